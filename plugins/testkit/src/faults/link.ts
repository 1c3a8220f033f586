import type { Socket } from 'node:net'
import type { Fault } from './fault.ts'
import { Lane } from './lane.ts'
import type { Traffic } from './traffic.ts'

export interface LinkHost {
  readonly traffic: Traffic
  readonly fault: () => Fault | undefined
  /** Called when it was the fault that reset the connection. */
  readonly onFault: () => void
  /** Called once, when both ends are closed or have been reset. */
  readonly onOver: (link: Link, how: 'ended' | 'cut') => void
}

/** One connection through the proxy: the client's socket, the server's, and a lane each way. */
export class Link {
  readonly #client: Socket
  readonly #server: Socket
  readonly #host: LinkHost
  readonly #lanes: readonly Lane[]
  #isOver = false
  #isOpen = true

  /** Takes over two sockets that may be half open; the server's may still be connecting. */
  constructor(client: Socket, server: Socket, host: LinkHost) {
    this.#client = client
    this.#server = server
    this.#host = host
    const { traffic, fault } = host
    traffic.count({ accepted: 1, open: 1 })
    client.on('end', () => this.#clientEnded())
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // whatever the error, the socket closes after it
      socket.on('error', () => {})
      socket.on('close', broken => this.#closed(broken))
    }
    const laneHost = {
      traffic,
      fault,
      isOver: () => this.#isOver,
      cut: () => this.cut(),
      cutByFault: () => this.#cutByFault(),
    }
    this.#lanes = [
      new Lane({ from: client, to: server, direction: 'to-server' }, laneHost),
      new Lane({ from: server, to: client, direction: 'to-client' }, laneHost),
    ]
  }

  /** The fault has changed. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake()
  }

  /** Resets both ends, once. A unix socket has no reset: it is closed. */
  cut(): void {
    if (this.#isOver) return
    reset(this.#client)
    reset(this.#server)
    this.#over('cut')
  }

  #cutByFault(): void {
    if (this.#isOver) return
    this.cut()
    this.#host.onFault()
  }

  #closed(broken: boolean): void {
    if (broken) this.cut()
    else if (this.#client.destroyed && this.#server.destroyed && !this.#isOver) this.#over('ended')
  }

  #over(how: 'ended' | 'cut'): void {
    this.#isOver = true
    this.#clientEnded()
    this.wake()
    this.#host.onOver(this, how)
  }

  #clientEnded(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#host.traffic.count({ open: -1 })
  }
}

/** RST where there is such a thing. */
export function reset(socket: Socket): void {
  // `remoteFamily` is undefined for unix sockets; one that is not connected has nothing to reset
  if (socket.connecting || socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
