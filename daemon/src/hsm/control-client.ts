import { stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { WarderError } from '@warder/contract'
import { Channel } from './channel.ts'
import { type ControlRequest, type ControlStatus, parseControlAnswer } from './control-protocol.ts'
import { fromWire } from './protocol.ts'
import { controlSocketPath, requireRunDirectory, runDirectoryFault, type SocketSharing } from './run-directory.ts'

/** Each host opens the token in its turn, within a minute. */
const orderMs = 600_000

export interface ControlPlace {
  readonly runDir: string
  readonly sharing?: SocketSharing | undefined
}

export interface Ordered {
  /** False when there was nothing to do. */
  readonly changed: boolean
  readonly status: ControlStatus
}

/**
 * Gives the supervisor one order and waits until it is carried out. A PIN in it is the caller's to zero, at once.
 * @throws WarderError `hsm-unavailable` when no supervisor answers, `forbidden` when this user may not give it orders,
 *   `config-invalid` when others could have put a socket in place of its own; else what the supervisor refused with.
 */
export async function orderSupervisor(place: ControlPlace, request: ControlRequest): Promise<Ordered> {
  await requireGenuine(place)
  const socket = await open(controlSocketPath(place.runDir))
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => channel.destroy(), orderMs)
    const channel = new Channel(
      socket,
      {
        onMessage: message => {
          const answer = parseControlAnswer(message)
          if (answer === undefined) reject(notUnderstood())
          else if ('ok' in answer) resolve(answer.ok)
          else reject(fromWire(answer.error))
          channel.end()
        },
        onClose: () => {
          clearTimeout(late)
          // changes nothing when it was answered
          reject(lost())
        },
      },
      { throttle: false },
    )
    channel.send(request)
  })
}

/** Root has no directory of its own to expect where no user is configured: then it trusts whoever's it is, if only theirs. */
async function requireGenuine({ runDir, sharing }: ControlPlace): Promise<void> {
  if (sharing !== undefined || process.geteuid?.() !== 0) return requireRunDirectory(runDir, 'client', sharing)
  const found = await stat(runDir).catch((cause: unknown) => {
    throw notRunning(cause)
  })
  const fault = runDirectoryFault(found, found.uid, 'client', undefined)
  if (fault !== undefined) {
    throw new WarderError('config-invalid', `The HSM run directory cannot be trusted: ${fault}`, {
      facts: { field: 'runDir' },
    })
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EACCES' ? denied(cause) : notRunning(cause)),
    )
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

const notRunning = (cause: unknown): WarderError =>
  new WarderError('hsm-unavailable', 'warder-hsm does not run: start it (systemctl start warder-hsm)', { cause })
const denied = (cause: unknown): WarderError =>
  new WarderError('forbidden', 'Only root and the user of warder-hsm may do this', { cause })
const lost = (): WarderError =>
  new WarderError('hsm-unavailable', 'warder-hsm ended before it answered; what it did is not known')
const notUnderstood = (): WarderError => new WarderError('hsm-failed', 'warder-hsm gave an answer of no known form')
