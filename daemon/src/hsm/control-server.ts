import { createServer, type Socket } from 'node:net'
import type { Log } from '@warder/contract'
import { Channel } from './channel.ts'
import { type ControlAnswer, maxRequestBytes, parseControlRequest, type ControlStatus } from './control-protocol.ts'
import { listenPrivately } from './listen-privately.ts'
import { toWire } from './protocol.ts'
import { controlSocketPath } from './run-directory.ts'
import type { HostStatus } from './status.ts'
import type { Supervisor } from './supervisor.ts'

type Failure = NonNullable<ControlStatus['error']>

const maxConnections = 8
/** A peer that has not made its request by then is hung up on. */
const requestMs = 5000

export interface ControlOptions {
  readonly runDir: string
  readonly log: Log
  /** After each order that was carried out or refused. */
  readonly onOrder?: () => void
  readonly requestMs?: number
}

/**
 * Takes an operator's orders on a socket that only the user of this process, and root, may connect to (mode 0600). What is
 * not one whole request of the protocol within its bounds is hung up on and not answered. An order that was begun is
 * carried out, also when nobody waits for the answer any more.
 */
export async function serveControl(supervisor: Supervisor, options: ControlOptions): Promise<AsyncDisposable> {
  const { runDir, log, onOrder = () => {} } = options
  const open = new Set<Channel>()

  const accept = (socket: Socket): void => {
    let asked = false
    const hangUp = (): void => {
      log.warn('a peer on the control socket did not keep to the protocol and was hung up on')
      channel.destroy()
    }
    const onMessage = (message: unknown): void => {
      const request = asked ? undefined : parseControlRequest(message)
      if (request === undefined) return hangUp()
      asked = true
      clearTimeout(timer)
      const pin = request.op === 'unseal' ? request.pin : undefined
      const ordered = order(supervisor, request.op, pin)
      // the supervisor has copied it by now
      pin?.fill(0)
      void reply(ordered, request.op !== 'status')
    }
    const reply = async (ordered: Promise<ControlAnswer>, changes: boolean): Promise<void> => {
      const answer = await ordered
      if (changes) onOrder()
      channel.send(answer)
      channel.end()
    }
    const onClose = (): void => {
      clearTimeout(timer)
      open.delete(channel)
    }
    const channel = new Channel(socket, { onMessage, onClose }, { throttle: true, readLimit: maxRequestBytes })
    const timer = setTimeout(hangUp, options.requestMs ?? requestMs)
    open.add(channel)
  }

  const server = createServer(accept)
  server.maxConnections = maxConnections
  await listenPrivately(server, controlSocketPath(runDir), 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const channel of open) channel.destroy()
      await closed
    },
  }
}

/** Never rejects. */
async function order(
  supervisor: Supervisor,
  op: 'status' | 'seal' | 'unseal',
  pin: Uint8Array | undefined,
): Promise<ControlAnswer> {
  try {
    const changed = await carryOut(supervisor, op, pin)
    return { ok: { changed, status: statusOf(supervisor) } }
  } catch (error) {
    return { error: toWire(error) }
  }
}

async function carryOut(
  supervisor: Supervisor,
  op: 'status' | 'seal' | 'unseal',
  pin: Uint8Array | undefined,
): Promise<boolean> {
  if (op === 'status') return false
  if (op === 'unseal') return supervisor.unseal(pin)
  const changed = supervisor.status.state !== 'sealed'
  await supervisor.seal()
  return changed
}

function statusOf({ status, pinSource }: Supervisor): ControlStatus {
  const { state, hosts } = status
  const tokens = [...new Set(hosts.flatMap(({ token }) => token ?? []))].map(token => {
    const own = hosts.filter(host => host.token === token)
    return { ...summaryOf(own), refused: own.some(host => host.state === 'failed') }
  })
  return { state, pin: pinSource, ...summaryOf(hosts), ...(tokens.length > 0 && { tokens }) }
}

function summaryOf(
  hosts: readonly HostStatus[],
): Pick<ControlStatus, 'ready' | 'hosts'> & { readonly error?: Failure } {
  const error = hosts.find(host => host.error !== undefined)?.error
  return {
    ready: hosts.filter(host => host.state === 'ready').length,
    hosts: hosts.length,
    ...(error && { error: { code: error.code, message: error.message } }),
  }
}
