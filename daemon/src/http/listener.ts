import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { InOrder } from '../in-order.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** A listening socket that this process inherited; served in place of host and port. */
  readonly fd?: number | undefined
  readonly certificatePem: string
  readonly privateKeyPem: string | Buffer
  readonly handle: RequestListener
  readonly limits?: Partial<ListenerLimits>
}

/** Times in milliseconds. */
export interface ListenerLimits {
  readonly handshakeMs: number
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number
  /** From the first byte of a request to the end of its body. */
  readonly requestMs: number
  /** Between two requests on one connection. */
  readonly keepAliveMs: number
  /** A connection on which nothing moves at all, also while an answer is being read too slowly. */
  readonly idleMs: number
  /** How often the two times above headersMs and requestMs are looked at. */
  readonly checkMs: number
  /** How long a caller who was answered early may go on sending the body that nobody reads. */
  readonly lingerMs: number
  readonly headerBytes: number
  readonly connections: number
}

export const listenerLimits: ListenerLimits = {
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 30_000,
  idleMs: 60_000,
  checkMs: 1000,
  lingerMs: 2000,
  headerBytes: 16 * 1024,
  connections: 1024,
}

export interface Listener extends AsyncDisposable {
  readonly address: AddressInfo
  /**
   * Connections made from now on get this certificate; those that are open go on with theirs.
   * @throws Error when the two do not belong together; nothing is changed then.
   */
  useCertificate(pair: Pick<ListenerOptions, 'certificatePem' | 'privateKeyPem'>): void
  /**
   * Stops accepting, lets the requests in flight finish, and closes their connections. What is still open after `graceMs`
   * (10,000 when absent) is cut off. Idempotent.
   */
  close(graceMs?: number): Promise<void>
}

/** HTTPS, TLS 1.3 and HTTP/1.1 only. Resolves when it is listening. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const limits = { ...listenerLimits, ...options.limits }
  const answering = new InOrder<ServerResponse>()
  const connections = new Set<Socket>()
  let closing: Promise<void> | undefined

  const server = createServer(
    {
      ...secureContext(options),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: limits.headerBytes,
      requireHostHeader: true,
    },
    (request, response) => {
      const place = answering.add(response)
      if (closing !== undefined || asksForUpgrade(request)) response.setHeader('Connection', 'close')
      response.on('close', () => {
        answering.remove(place)
        if (response.writableFinished) linger(request, limits.lingerMs)
      })
      options.handle(request, response)
    },
  )
  server.maxConnections = limits.connections
  server.setTimeout(limits.idleMs)
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const { fd, host, port } = options
    server.listen(fd === undefined ? { host, port } : { fd }, () => {
      server.off('error', reject)
      resolve()
    })
  })

  async function shut(graceMs: number): Promise<void> {
    for (const response of answering.values()) if (!response.headersSent) response.setHeader('Connection', 'close')
    const cut = setTimeout(() => {
      for (const socket of connections) socket.destroy()
    }, graceMs)
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    server.closeIdleConnections()
    await closed
    clearTimeout(cut)
  }

  const close = (graceMs = 10_000): Promise<void> => (closing ??= shut(graceMs))
  return {
    address: server.address() as AddressInfo,
    useCertificate: pair => server.setSecureContext(secureContext(pair)),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

function secureContext({ certificatePem, privateKeyPem }: Pick<ListenerOptions, 'certificatePem' | 'privateKeyPem'>) {
  return { cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
}

/** Nothing here upgrades. Node 20 leaves the connection in a state in which long headers of the next request hang on it. */
const asksForUpgrade = ({ headers }: IncomingMessage): boolean => headers.upgrade !== undefined

/** An answer may come before the body is read. Cutting the connection at once could lose the answer; reading on for ever would be free work. */
function linger(request: IncomingMessage, lingerMs: number): void {
  if (request.complete) return
  // Node discards a body that nobody began to read, but not the rest of one that was given up.
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), lingerMs)
  request.once('close', () => clearTimeout(timer))
}
