import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { cancelled, unavailable } from './failures.ts'
import type { FromWriter, WriterData } from './writer-messages.ts'

/**
 * Starts the thread that writes; resolves when its connection is open and migrated. Rejects with the thread gone.
 * @throws WarderError `storage-unavailable` when the database is refused, `cancelled` when the signal ends the wait.
 */
export async function startWriter(data: WriterData, signal: AbortSignal): Promise<Worker> {
  if (signal.aborted) throw cancelled()
  const entry = new URL(import.meta.url.endsWith('.ts') ? 'writer-from-source.mjs' : 'writer.js', import.meta.url)
  // Options of V8 in this process's own execArgv would be refused in a worker; it needs none of them.
  const worker = new Worker(entry, { workerData: data, execArgv: conditions(), name: 'warder-sqlite-writer' })
  try {
    const [first] = (await once(worker, 'message', { signal })) as [FromWriter]
    if (first.kind === 'ready') return worker
    throw first.kind === 'refused'
      ? unavailable(first.message, new Error(first.cause))
      : unavailable('The writer thread is out of step.')
  } catch (error) {
    await worker.terminate()
    if (signal.aborted) throw cancelled()
    throw error
  }
}

/** Which sources or builds packages resolve to, as in this process. */
function conditions(): string[] {
  return process.execArgv.filter(argument => argument.startsWith('--conditions=') || argument.startsWith('-C='))
}
