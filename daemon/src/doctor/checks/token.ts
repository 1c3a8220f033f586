import { execFile } from 'node:child_process'
import { findingStatuses } from '@warder/contract'
import { z } from 'zod'
import { program } from '../../cli/program.ts'
import type { Config } from '../../config/schema.ts'
import { findUser, isRoot } from '../../systemd/accounts.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, notChecked } from '../finding.ts'

const check = 'token'
const answerMs = 180_000

/** Has `warder-hsm doctor` look at the token, in a process of its own: this one never has the PIN, or a PKCS#11 module. */
export async function checkToken({ config, file }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const may = isRoot() || process.geteuid?.() === (await hsmUid(config))
  if (!may) {
    return [notChecked(check, 'only root and the user of the HSM hosts may', `sudo warder-hsm doctor --config ${file}`)]
  }
  const { command, args } = program('hsm', ['doctor', '--config', file, '--format', 'json'])
  return findingsIn(await output(command, args), file)
}

/** Who runs `warder-hsm`; where the configuration names nobody, whoever starts it. */
async function hsmUid({ hsm, user }: Config): Promise<number | undefined> {
  const name = hsm.user ?? user
  return name === undefined ? process.geteuid?.() : (await findUser(name)).uid
}

const report = z.object({
  findings: z.array(
    z.object({
      check: z.string(),
      status: z.enum(findingStatuses),
      found: z.string(),
      why: z.string().optional(),
      fix: z.string().optional(),
    }),
  ),
})

interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** What `warder-hsm doctor --format json` printed. */
export function findingsIn({ stdout, stderr }: Output, file: string): readonly DoctorFinding[] {
  const parsed = report.safeParse(parseJson(stdout))
  const fix = `warder-hsm doctor --config ${file}`
  if (!parsed.success) {
    const why = stderr.trim().split('\n')[0]?.slice(0, 300) ?? ''
    return [notChecked(check, `warder-hsm doctor did not end well${why === '' ? '' : `: ${why}`}`, fix)]
  }
  return parsed.data.findings.map(({ check: name, status, found, why, fix: mends }) => ({
    check: name === check ? check : `${check}: ${name}`,
    status,
    found,
    ...(why === undefined ? {} : { why }),
    ...(mends === undefined ? {} : { fix: mends }),
  }))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Its exit code says again what it has found. One that does not end is killed: a module may hang. */
function output(command: string, args: readonly string[]): Promise<Output> {
  const options = { timeout: answerMs, killSignal: 'SIGKILL', maxBuffer: 4 * 1024 * 1024 } as const
  return new Promise(resolve => {
    execFile(command, [...args], options, (_, stdout, stderr) => resolve({ stdout, stderr }))
  })
}
