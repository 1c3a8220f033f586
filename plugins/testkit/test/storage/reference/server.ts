import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { cursorAfter, WarderError, type Page, type Store } from '@warder/contract'
import { memoryStorage, patientOp, quietHost, type TcpAddress } from '@warder/testkit'
import { encodeFrame, FrameReader, type Answer, type Call, type Request } from './wire.ts'

/** How many bytes of bodies go into one page. */
const pageBytes = 4_194_304

export interface ReferenceServer extends AsyncDisposable {
  readonly address: TcpAddress
}

/** Test-only reference: memory storage behind a socket. It keeps what it has for as long as it runs. */
export async function startReferenceServer(): Promise<ReferenceServer> {
  const store = await memoryStorage.open({}, quietHost(), patientOp())
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, store)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    address: { host: address.address, port: address.port },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(socket: Socket, store: Store): void {
  const frames = new FrameReader<Request>()
  socket.setNoDelay(true)
  // it closes after any error, and a request that is not whole by then is none
  socket.on('error', () => {})
  socket.on('data', chunk => {
    try {
      for (const { n, call } of frames.read(chunk)) void answer(store, n, call).then(said => send(socket, said))
    } catch {
      socket.destroy()
    }
  })
}

function send(socket: Socket, answered: Answer): void {
  if (socket.writable) socket.write(encodeFrame(answered))
}

async function answer(store: Store, n: number, call: Call): Promise<Answer> {
  try {
    return { n, ok: await perform(store, call) }
  } catch (error) {
    const { code, message } = WarderError.is(error) ? error : new WarderError('internal', String(error))
    return { n, refused: { code, message } }
  }
}

async function perform(store: Store, call: Call): Promise<unknown> {
  const op = patientOp()
  switch (call.kind) {
    case 'hello':
      return undefined
    case 'get':
      return store.get(call.collection, call.id, op)
    case 'put':
      return store.put(call.record, call.expect, op)
    case 'delete':
      return store.delete(call.collection, call.id, call.expect, op)
    case 'query':
      return bounded(await store.query(call.collection, call.query, op))
    case 'batch':
      return store.batch?.(call.writes, op)
  }
}

/** As much of a page as fits one answer; at least one record. */
function bounded(page: Page): Page {
  let bytes = 0
  const end = page.records.findIndex(({ body }, at) => (bytes += body.length) > pageBytes && at > 0)
  if (end < 0) return page
  const records = page.records.slice(0, end)
  return { records, next: cursorAfter(records.at(-1)?.id ?? '') }
}
