import { createServer, type Socket } from 'node:net'
import type { KeyProvider, Log } from '@warder/contract'
import { settledWithin } from '../settled-within.ts'
import { Channel } from './channel.ts'
import { HostCalls } from './host-calls.ts'
import { listenPrivately } from './listen-privately.ts'

/** More connections than any daemon has; what is beyond is closed. */
const maxConnections = 16

export interface ServeOptions {
  /** In a directory that only those can enter who are meant to: see requireRunDirectory. */
  readonly socketPath: string
  /** Of the socket. Default 0600. */
  readonly mode?: number
  readonly log: Log
  /** How long {@link HsmHost.close} waits for calls in flight. Default 5000. */
  readonly drainMs?: number
}

export interface HsmHost {
  /** Takes no new calls, waits for those in flight up to the bound, closes the connections with a farewell. The provider stays open. */
  close(drainMs?: number): Promise<void>
  /** Calls so far of those kinds that leave memory behind. */
  readonly worn: number
}

/**
 * Serves a provider on a unix socket. A socket left by a dead host is replaced; that no live one uses the
 * path is the supervisor's care.
 */
export async function serveProvider(provider: KeyProvider, options: ServeOptions): Promise<HsmHost> {
  const { socketPath, mode = 0o600, log, drainMs = 5000 } = options
  const connections = new Map<HostCalls, Channel>()
  let idle: () => void = () => {}
  let worn = 0

  const accept = (socket: Socket): void => {
    const channel: Channel = new Channel(
      socket,
      {
        onMessage: message => {
          if (calls.receive(message)) return
          log.warn('A caller did not keep to the protocol and was hung up on')
          channel.destroy()
        },
        onClose: () => {
          connections.delete(calls)
          calls.abandon()
          idle()
        },
      },
      { throttle: true },
    )
    const calls = new HostCalls(provider, channel, log, { onIdle: () => idle(), onWear: () => worn++ })
    connections.set(calls, channel)
  }

  const server = createServer(accept)
  server.maxConnections = maxConnections
  await listenPrivately(server, socketPath, mode)

  return {
    get worn() {
      return worn
    },
    close: async (within = drainMs) => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const calls of connections.keys()) calls.stop()
      const drained = new Promise<void>(resolve => {
        idle = () => {
          if ([...connections.keys()].every(calls => calls.size === 0)) resolve()
        }
      })
      idle()
      await settledWithin(within, drained)
      for (const [calls, channel] of connections) {
        calls.farewell()
        channel.end()
      }
      // a peer that does not hang up in return is not waited for
      await settledWithin(250, closed)
      for (const channel of connections.values()) channel.destroy()
      await closed
    },
  }
}
