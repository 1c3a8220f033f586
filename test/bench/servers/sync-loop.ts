import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { type Load, loadInline } from '../load.ts'
import { answerParent } from '../worker.ts'

// What one journal record costs at least: `sync-loop.ts FILE` appends as many bytes as a signature's and syncs them.
const file = openSync(process.argv[2] ?? '', 'a', 0o600)
const record = Buffer.alloc(1000, 0x2e)

export const syncLoop = {
  run: ({ ms }: { ms: number }): Load =>
    loadInline(ms, () => {
      writeSync(file, record)
      fdatasyncSync(file)
    }),
}

answerParent(syncLoop)
