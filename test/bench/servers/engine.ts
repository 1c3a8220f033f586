import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Log } from '@warder/contract'
import {
  type AppendFile,
  type Call,
  createEngine,
  initialise,
  type JournalFiles,
  permissions,
  type Ports,
  type Principal,
} from '@warder/core'
import { built } from '../built.ts'
import { type Load, load } from '../load.ts'
import { answerParent } from '../worker.ts'
import { batchSize, type Custody, inputOf, keyName, type Workload } from '../workloads.ts'

// The engine as the API process has it, without HTTP: `engine.ts CONFIG DATA_DIR disk|none`. Storage and journal of its own
// in DATA_DIR, the HSM hosts of the appliance that CONFIG is of. `none`: a journal that says at once that it has written.

const [configFile = '', dataDir = '', journal = 'disk'] = process.argv.slice(2)

const { loadConfig } = await built<typeof import('../../../daemon/src/config/load.ts')>('config/load.js')
const { connectHsm } = await built<typeof import('../../../daemon/src/hsm/client.ts')>('hsm/client.js')
const { loadPlugin } = await built<typeof import('../../../daemon/src/plugins/load.ts')>('plugins/load.js')
const { openJournalDirectory } =
  await built<typeof import('../../../daemon/src/journal/journal-directory.ts')>('journal/journal-directory.js')
const { createStoreSecretIfAbsent, openStoreSecret } =
  await built<typeof import('../../../daemon/src/store-secret.ts')>('store-secret.js')

const log: Log = { debug() {}, info() {}, warn() {}, error: (message, fields) => console.error(message, fields) }
const op = { signal: new AbortController().signal }
const principal: Principal = {
  identity: 'bench',
  credential: '0123456789abcdef',
  method: 'api-key',
  spaces: '*',
  permissions,
  sourceIp: '127.0.0.1',
}
/** Every request has a signal of its own, as it has over HTTP. */
function call(): Call {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return { principal, requestId: '0b6f3d5e-5d0c-4f3a-9a55-0c2f6a1f7d11', signal }
}

const config = await loadConfig(configFile)
const { service: store } = await loadPlugin(
  'storage',
  { specifier: config.storage.plugin, config: { file: join(dataDir, 'store.sqlite') } },
  { allow: config.plugins.allow, host: { log, now: () => new Date() }, openTimeoutMs: 60_000 },
)
const hsm = connectHsm({ runDir: config.hsm.runDir, hosts: config.hsm.hosts })
await hsm.ready(op)
await createStoreSecretIfAbsent(dataDir, hsm, op)

async function ports(): Promise<Ports> {
  return {
    store,
    hsm,
    journalFiles: await openJournalDirectory(join(dataDir, 'journal')),
    storeSecret: await openStoreSecret(dataDir, hsm, op),
    log,
    now: () => new Date(),
    node: 'bench',
  }
}

function atOnce(files: JournalFiles): JournalFiles {
  const forgetful = (file: AppendFile): AppendFile => ({
    append: async () => {},
    appendLast: async () => {},
    close: () => file.close(),
  })
  return {
    list: () => files.list(),
    read: name => files.read(name),
    create: async (name, content) => forgetful(await files.create(name, content)),
    open: async (name, length) => forgetful(await files.open(name, length)),
  }
}

const { adminKey } = await initialise(await ports(), op)
const opened = await ports()
const engine = await createEngine(
  journal === 'none' ? { ...opened, journalFiles: atOnce(opened.journalFiles) } : opened,
  op,
)

function operation(workload: Workload, custody: Custody, batch: boolean): () => Promise<unknown> {
  const name = keyName(workload, custody)
  const input = inputOf(workload)
  const { crypto } = engine
  const times = <Item>(item: Item): readonly Item[] => Array.from({ length: batchSize }, () => item)
  switch (workload.action) {
    case 'sign': {
      const item = { input, prehashed: workload.prehashed }
      if (batch) return () => crypto.signBatch(call(), 'default', name, times(item))
      return () => crypto.sign(call(), 'default', name, item)
    }
    case 'encrypt': {
      const item = { plaintext: input }
      if (batch) return () => crypto.encryptBatch(call(), 'default', name, times(item))
      return () => crypto.encrypt(call(), 'default', name, item)
    }
    case 'mac': {
      if (batch) return () => crypto.macBatch(call(), 'default', name, times({ input }))
      return () => crypto.mac(call(), 'default', name, { input })
    }
  }
}

export interface EngineRun {
  readonly workload: Workload
  readonly custody: Custody
  readonly batch: boolean
  readonly concurrency: number
  readonly ms: number
}

const prepared = new Set<string>()

export const engineLoop = {
  async prepare({ workload, custody }: { workload: Workload; custody: Custody }): Promise<void> {
    const { algorithm } = workload
    const name = keyName(workload, custody)
    if (prepared.has(name)) return
    prepared.add(name)
    await engine.keys.create(call(), 'default', { name, algorithm, custody })
    for (const batch of [false, true]) await operation(workload, custody, batch)()
  },
  run({ workload, custody, batch, concurrency, ms }: EngineRun): Promise<Load> {
    const one = operation(workload, custody, batch)
    return load({ concurrency, ms }, async () => (await one()) !== undefined)
  },
  /**
   * Makes sealed keys through the engine itself, 256 at once, and answers the administrator's API key. HMAC keys, because
   * the token makes them fastest; of ten, one has the tag `team=red`.
   */
  async fill({ count }: { count: number }): Promise<string> {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let number = next++; number < count; number = next++) {
        const name = `key-${String(number).padStart(6, '0')}`
        const tags = { team: number % 10 === 0 ? 'red' : 'blue' }
        await engine.keys.create(call(), 'default', { name, algorithm: 'HMAC-SHA-256', tags })
      }
    }
    await Promise.all(Array.from({ length: 256 }, lane))
    if (adminKey === undefined) throw new Error('the appliance was there before')
    return adminKey
  },
}

answerParent(engineLoop, async () => {
  await engine[Symbol.asyncDispose]()
  await hsm[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
