import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { checkFault, type Fault } from './fault.ts'
import { Link, reset } from './link.ts'
import { Traffic, type Seen } from './traffic.ts'

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** TCP, or a unix socket. */
export type ProxyAddress = TcpAddress | { readonly path: string }

export interface FaultProxyOptions {
  /** Where the server is. It need not be there yet: connections to one that is not are reset. */
  readonly to: ProxyAddress
  /** Where to listen; on a free port of 127.0.0.1 when not given. A unix socket is removed at the end. */
  readonly listen?: ProxyAddress
}

/**
 * Stands between a client and its server and does to their connections what networks do, when a test says so. It is healed
 * when it starts: bytes pass both ways, and so does the end of either direction.
 */
export interface FaultProxy<Address extends ProxyAddress = ProxyAddress> extends AsyncDisposable {
  /** What the client is to be given in place of the server's address. */
  readonly address: Address

  /** What has happened so far. */
  readonly seen: Seen

  /** From now on. Takes the place of the fault before. */
  apply(fault: Fault): void

  /** Ends the fault. What a stall held goes on its way. Without a fault it does nothing. */
  heal(): void

  /**
   * Resolves as soon as the condition holds, which may be now. It is asked again after each change. Wait with this, and not
   * for time to pass.
   */
  until(condition: (seen: Seen) => boolean): Promise<void>

  /** Resets what is open and ends listening. Idempotent. Those who wait in {@link until} are told with an `Error`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Rejects with the system's error when it cannot listen there. */
export async function startFaultProxy(
  options: FaultProxyOptions & { readonly listen?: TcpAddress },
): Promise<FaultProxy<TcpAddress>>
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy>
export async function startFaultProxy({ to, listen }: FaultProxyOptions): Promise<FaultProxy> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(listen ?? { host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return new ListeningProxy(server, addressOf(server), to)
}

class ListeningProxy implements FaultProxy {
  readonly address: ProxyAddress
  readonly #server: Server
  readonly #to: ProxyAddress
  readonly #traffic = new Traffic()
  readonly #links = new Set<Link>()
  #fault: Fault | undefined
  /** How many more connections the fault may reset. */
  #left = Infinity
  #closed: Promise<void> | undefined

  constructor(server: Server, address: ProxyAddress, to: ProxyAddress) {
    this.#server = server
    this.address = address
    this.#to = to
    server.on('connection', client => this.#accept(client))
  }

  get seen(): Seen {
    return this.#traffic.seen
  }

  apply(fault: Fault): void {
    checkFault(fault)
    // a copy: the same fault given twice is two
    this.#set({ ...fault })
    if (fault.kind === 'cut') this.#cutAll()
  }

  heal(): void {
    this.#set(undefined)
  }

  until(condition: (seen: Seen) => boolean): Promise<void> {
    return this.#traffic.until(condition)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#cutAll()
    await closed
    this.#traffic.end()
  }

  #accept(client: Socket): void {
    if (this.#fault?.kind === 'cut' || this.#fault?.kind === 'refuse') {
      client.on('error', () => {})
      reset(client)
      this.#traffic.count({ refused: 1 })
      return
    }
    const link = new Link(client, connect({ ...this.#to, allowHalfOpen: true }), {
      traffic: this.#traffic,
      fault: () => this.#fault,
      onFault: () => this.#spend(),
      onOver: (over, how) => this.#over(over, how),
    })
    this.#links.add(link)
  }

  #over(link: Link, how: 'ended' | 'cut'): void {
    this.#links.delete(link)
    if (how === 'cut') this.#traffic.count({ cut: 1 })
  }

  #spend(): void {
    this.#left -= 1
    if (this.#left === 0) this.heal()
  }

  #set(fault: Fault | undefined): void {
    this.#fault = fault
    this.#left = fault !== undefined && 'times' in fault ? (fault.times ?? Infinity) : Infinity
    for (const link of this.#links) link.wake()
  }

  #cutAll(): void {
    for (const link of this.#links) link.cut()
  }
}

function addressOf(server: Server): ProxyAddress {
  const address = server.address()
  if (address === null) throw new Error('the proxy does not listen')
  return typeof address === 'string' ? { path: address } : { host: address.address, port: address.port }
}
