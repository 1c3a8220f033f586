import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFaultProxy, type FaultProxy, type ProxyAddress } from '@warder/testkit'

/** A server that sends back what it gets, the proxy before it, and clients of the proxy. */
export interface Echo extends AsyncDisposable {
  readonly proxy: FaultProxy
  /** What has come to the server, over all connections. */
  arrived(): string
  /** How the server's connections closed: `end` or the code of an error. */
  readonly closed: string[]
  /** Connected once the proxy has taken it. */
  client(): Promise<Client>
}

export interface Client {
  readonly socket: Socket
  /** What has come back. */
  text(): string
  /** Resolves when so many bytes have come back. */
  gets(count: number): Promise<string>
  /** `end`, or the code of the error that closed it. */
  readonly closed: Promise<string>
}

export async function startEcho(over: 'tcp' | 'unix'): Promise<Echo> {
  const directory = await mkdtemp(join(tmpdir(), 'warder-faults-'))
  const at = (name: string): ProxyAddress =>
    over === 'unix' ? { path: join(directory, name) } : { host: '127.0.0.1', port: 0 }
  let arrived = ''
  const closed: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    void howItCloses(socket).then(how => closed.push(how))
    socket.on('data', bytes => (arrived += bytes.toString('latin1')))
    socket.pipe(socket)
  })
  server.listen(at('server'))
  await once(server, 'listening')
  const address = server.address()
  if (address === null) throw new Error('the server does not listen')
  const to = typeof address === 'string' ? { path: address } : { host: address.address, port: address.port }
  const proxy = await startFaultProxy({ to, listen: at('proxy') })
  const clients = new Set<Socket>()
  return {
    proxy,
    arrived: () => arrived,
    closed,
    client: async () => {
      const socket = connect(proxy.address)
      clients.add(socket)
      const client = clientOn(socket)
      await once(socket, 'connect')
      return client
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...clients, ...sockets]) socket.destroy()
      await proxy[Symbol.asyncDispose]()
      server.close()
      await once(server, 'close')
      await rm(directory, { recursive: true })
    },
  }
}

function clientOn(socket: Socket): Client {
  let text = ''
  socket.on('data', bytes => (text += bytes.toString('latin1')))
  const closed = howItCloses(socket)
  return {
    socket,
    text: () => text,
    closed,
    gets: async count => {
      while (text.length < count)
        await Promise.race([once(socket, 'data'), closed.then(how => Promise.reject(new Error(how)))])
      return text
    },
  }
}

async function howItCloses(socket: Socket): Promise<string> {
  let how = 'end'
  socket.on('error', (error: Error & { code?: string }) => (how = error.code ?? error.message))
  await new Promise(resolve => socket.once('close', resolve))
  return how
}
