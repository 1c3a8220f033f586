import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { makeRunDir } from './run-dir.ts'

/** Two connected unix sockets, and their removal. */
export async function makeSocketPair(): Promise<{ readonly a: Socket; readonly b: Socket; close(): Promise<void> }> {
  const dir = await makeRunDir()
  const path = join(dir.path, 'pair.sock')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  const a = connect(path)
  const b = await accepted
  const close = async () => {
    a.destroy()
    b.destroy()
    await new Promise(resolve => server.close(resolve))
    await dir.remove()
  }
  return { a, b, close }
}
