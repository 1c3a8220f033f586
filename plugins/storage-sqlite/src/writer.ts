import { parentPort, workerData } from 'node:worker_threads'
import { WarderError } from '@warder/contract'
import type { Database } from 'better-sqlite3'
import { openWriter } from './connection.ts'
import { identityOf } from './file.ts'
import { FilesReplaced, GroupWriter } from './group-writer.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'

/** The writer thread: it alone writes, and it alone waits for the disk. */
const port = parentPort
if (!port) throw new TypeError('writer.ts is the entry of a worker thread')
const { path, maxPages } = workerData as WriterData

const say = (message: FromWriter) => port.postMessage(message)
try {
  serve(openWriter(path))
} catch (error) {
  const known = WarderError.is(error) ? error.message : 'The database cannot be opened.'
  say({ kind: 'refused', message: known, cause: String(error) })
  port.close()
}

function serve(db: Database): void {
  if (maxPages !== undefined) db.pragma(`max_page_count = ${maxPages}`)
  const writer = new GroupWriter(db, watch([path, `${path}-wal`]))
  port?.on('message', (message: ToWriter) => {
    if (message.kind === 'commit') {
      say({ kind: 'answer', ...writer.commit(message.group) })
      return
    }
    db.close()
    port.close()
  })
  say({ kind: 'ready' })
}

/** An open file that has lost its name still takes writes and syncs them; nobody would find them again. */
function watch(paths: readonly string[]): () => void {
  const opened = paths.map(identityOf)
  return () => {
    if (paths.every((each, n) => identityOf(each) === opened[n])) return
    throw new FilesReplaced('the database or its log was removed or replaced while open')
  }
}
