import { connect } from 'node:net'
import { access } from 'node:fs/promises'
import { statusPath } from '../../hsm/run-directory.ts'
import { type HostStatus, readStatus, type SupervisorStatus } from '../../hsm/status.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, note, notChecked, ok, problem, warning } from '../finding.ts'

const check = 'HSM hosts'

export async function checkHsm({ config, file }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const { runDir } = config.hsm
  const hidden = await access(statusPath(runDir)).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  )
  if (hidden === 'EACCES') {
    return [
      notChecked(check, `${statusPath(runDir)} is not for this user to read`, `sudo warder doctor --config ${file}`),
    ]
  }
  const status = await readStatus(runDir)
  if (status === undefined) return judgeHsm(undefined, new Map())
  const answers = await Promise.all(
    status.hosts.map(async ({ index, socket }) => [index, await listeningBehind(socket)] as const),
  )
  return judgeHsm(status, new Map(answers))
}

/** `listening` when somebody does behind a socket, else the code of what went wrong. */
export type Listening = string

/** `listening`: by the number of the host. */
export function judgeHsm(
  status: SupervisorStatus | undefined,
  listening: ReadonlyMap<number, Listening>,
): readonly DoctorFinding[] {
  const why = 'no key can be used without them'
  const start = 'systemctl start warder-hsm'
  if (status === undefined) return [problem(check, 'warder-hsm does not run', { why, fix: start })]
  if (status.state === 'stopped') return [problem(check, 'warder-hsm was stopped', { why, fix: start })]
  if (status.state === 'sealed') {
    const error = status.hosts.find(host => host.error !== undefined)?.error
    const because = error === undefined ? '' : `; the last unseal failed: ${error.message} [${error.code}]`
    return [problem(check, `the HSM side is sealed${because}`, { why, fix: 'warder unseal' })]
  }
  const dead = status.hosts.filter(({ index, state }) => state === 'ready' && listening.get(index) === 'ECONNREFUSED')
  if (dead.length > 0 && dead.length === status.hosts.length) {
    const found = 'warder-hsm is gone, and had no time to say so: its hosts do not listen'
    return [problem(check, found, { why, fix: 'systemctl restart warder-hsm' })]
  }
  return status.hosts.map(host => judgeHost(host, listening.get(host.index), status.state))
}

function judgeHost(
  host: HostStatus,
  listening: Listening | undefined,
  state: SupervisorStatus['state'],
): DoctorFinding {
  const name = host.token === undefined ? `host ${host.index}` : `host ${host.index} of token ${host.token + 1}`
  if (host.state === 'ready') {
    if (listening === 'listening') return ok(check, `${name} is ready`)
    if (listening === 'EACCES') {
      return notChecked(check, `${name} says it is ready; its socket is not for this user to open`)
    }
    const why = 'it said that it was ready, and does not listen'
    return problem(check, `${name} does not answer (${listening ?? 'not tried'})`, {
      why,
      fix: 'systemctl restart warder-hsm',
    })
  }
  if (host.state === 'starting') return note(check, `${name} is opening the token`, 'it is not there for calls yet')
  if (host.state === 'recycling') return note(check, `${name} is being replaced`, 'it has served long enough')
  const error = host.error
  const said = error === undefined ? '' : `: ${error.message} [${error.code}]`
  const why = state === 'refused' ? 'no host is started again until this is mended' : 'calls wait for the other hosts'
  const remedy = { why, fix: remedyOf(error?.code) }
  if (host.state === 'failed') return problem(check, `${name} was refused${said}`, remedy)
  return warning(check, `${name} died, or did not start, and is tried again${said}`, remedy)
}

const restart = 'systemctl restart warder-hsm'

function remedyOf(code: string | undefined): string {
  if (code === 'pin-refused') {
    return `put the right PIN where hsm.config.pin points to, then ${restart}; the refused one is never tried again`
  }
  if (code === 'not-initialised') return `warder-hsm init, then ${restart}`
  if (code === 'config-invalid' || code === 'plugin-failed') return `warder config check, then ${restart}`
  return 'journalctl -u warder-hsm -n 50; warder-hsm doctor'
}

const answerMs = 2000

function listeningBehind(path: string): Promise<Listening> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (result: Listening): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(answerMs, () => end('ETIMEDOUT'))
    socket.once('connect', () => end('listening'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'))
  })
}
