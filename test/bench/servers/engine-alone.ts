import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { GeneratedKey, KeyProvider, Log } from '@warder/contract'
import type { Call, Ports } from '@warder/core'
import { cpuMs } from '../cpu.ts'
import { load } from '../load.ts'
import { answerParent } from '../worker.ts'
import { batchSize } from '../workloads.ts'

// The engine of a checkout as it was built, with storage and journal on a disk and an HSM that costs nothing:
// `engine-alone.ts CHECKOUT GROUP`; the HSM gives GROUP answers in each turn of the event loop.

const [checkout = '.', group = ''] = process.argv.slice(2)
const from = async <Module>(path: string): Promise<Module> =>
  (await import(pathToFileURL(join(checkout, path)).href)) as Module

const { createEngine, initialise, permissions } =
  await from<typeof import('../../../core/src/index.ts')>('core/dist/index.js')
const { plugin: sqlite } = await from<typeof import('../../../plugins/storage-sqlite/src/index.ts')>(
  'plugins/storage-sqlite/dist/index.js',
)
const { openJournalDirectory } = await from<typeof import('../../../daemon/src/journal/journal-directory.ts')>(
  'daemon/dist/journal/journal-directory.js',
)

const waiting: (() => void)[] = []
const turn = (): void => {
  for (const answer of waiting.splice(0, Number(group))) answer()
  if (waiting.length > 0) setImmediate(turn)
}
const itsTurn = (): Promise<void> => new Promise(answer => void (waiting.push(answer) === 1 && setImmediate(turn)))

const [spki, blob, checkValue, signature, iv, tag] = [91, 144, 8, 64, 12, 16].map(length => randomBytes(length))
const hsm = {
  generate: async ({ algorithm, usage, custody, exportable, id }) => {
    if (custody === 'resident') return { ref: { custody, algorithm, usage, id }, spki } as GeneratedKey
    return { ref: { custody, algorithm, usage, exportable, rootKey: 1, blob }, checkValue } as GeneratedKey
  },
  sign: async () => {
    await itsTurn()
    return signature as Uint8Array
  },
  signAll: async (_, __, inputs) => {
    await itsTurn()
    return inputs.map(() => signature as Uint8Array)
  },
  encrypt: async (_, plaintext) => {
    await itsTurn()
    return { iv: iv as Uint8Array, ciphertext: Buffer.concat([plaintext, tag as Uint8Array]) }
  },
  newestRootKey: async () => 1,
} as Partial<KeyProvider> as KeyProvider

const log: Log = { debug() {}, info() {}, warn: console.error, error: console.error }
const op = { signal: new AbortController().signal }
const now = (): Date => new Date()
const place = await mkdtemp(join(tmpdir(), 'warder-bench-'))
const store = await sqlite.open({ file: join(place, 'store.sqlite') }, { log, now }, op)
const journalFiles = await openJournalDirectory(join(place, 'journal'))
const ports = (): Ports => {
  const storeSecret = new Uint8Array(32).fill(7)
  return { store, hsm, journalFiles, storeSecret, log, now, node: 'bench' }
}
await initialise(ports(), op)
const engine = await createEngine(ports(), op)

/** Every request has a signal of its own, as it has over HTTP. */
function call(): Call {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return { principal, requestId: '0b6f3d5e-5d0c-4f3a-9a55-0c2f6a1f7d11', signal }
}
const principal = {
  identity: 'bench',
  credential: '0123456789abcdef',
  method: 'api-key',
  spaces: '*',
  permissions,
  sourceIp: '127.0.0.1',
} as const

await engine.keys.create(call(), 'default', { name: 'signs', algorithm: 'P-256', custody: 'resident' })
await engine.keys.create(call(), 'default', { name: 'encrypts', algorithm: 'AES-256', custody: 'sealed' })
const input = Buffer.alloc(32, 0x5a)
const plaintext = Buffer.alloc(1024, 0x5a)
const items = Array.from({ length: batchSize }, () => ({ input, prehashed: true }))
const works = {
  sign: () => engine.crypto.sign(call(), 'default', 'signs', { input, prehashed: true }),
  batch: () => engine.crypto.signBatch(call(), 'default', 'signs', items),
  encrypt: () => engine.crypto.encrypt(call(), 'default', 'encrypts', { plaintext }),
}

export const engineAlone = {
  /** Microseconds of processor time for an operation (for an item of a batch), of all threads of this process. */
  async run({ work, callers, ms }: { work: keyof typeof works; callers: number; ms: number }): Promise<number> {
    const before = cpuMs(process.pid)
    const { operations } = await load({ concurrency: callers, ms }, async () => (await works[work]()) !== undefined)
    return ((cpuMs(process.pid) - before) * 1000) / operations / (work === 'batch' ? batchSize : 1)
  },
}

answerParent(engineAlone, async () => {
  await engine[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await rm(place, { recursive: true, force: true })
})
