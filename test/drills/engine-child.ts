import { writeSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Log, PluginHost } from '@warder/contract'
import { createEngine, initialise, type Engine, type Ports } from '@warder/core'
import { plugin as storagePlugin } from '@warder/storage-sqlite'
import { connectHsm } from '../../daemon/src/hsm/client.ts'
import { openJournalDirectory } from '../../daemon/src/journal/journal-directory.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from '../../daemon/src/store-secret.ts'
import { checkActs, checkEverything } from './support/check.ts'
import { engineSubject } from './support/engine-subject.ts'
import { loadWithoutEnd, prepareLoad } from './support/load.ts'
import type { Order, Word } from './support/engine-orders.ts'

// A program that is there to be killed. `node engine-child.ts DIR` waits for one order on stdin, and says on stdout, line
// by line and without a buffer, how far it is and what was acknowledged.

const say = (word: Word): void => void writeSync(1, `${JSON.stringify(word)}\n`)

const warn: Log['warn'] = (message, fields) => void writeSync(2, `${message} ${JSON.stringify(fields ?? {})}\n`)
const log: Log = { debug() {}, info() {}, warn, error: warn }
const host: PluginHost = { log, now: () => new Date() }
const op = { signal: new AbortController().signal }

async function withPorts(dir: string, use: (ports: () => Promise<Ports>) => Promise<void>): Promise<void> {
  const store = await storagePlugin.open({ file: join(dir, 'store.sqlite') }, host, op)
  try {
    const hsm = connectHsm({ runDir: join(dir, 'run'), hosts: 1 })
    try {
      await hsm.ready(op)
      await createStoreSecretIfAbsent(dir, hsm, op)
      const journalFiles = await openJournalDirectory(join(dir, 'journal'))
      const ports = { store, hsm, journalFiles, log, node: 'drill', now: () => new Date() }
      // the engine takes the secret and zeroes it
      await use(async () => ({ ...ports, storeSecret: await openStoreSecret(dir, hsm, op) }))
    } finally {
      await hsm[Symbol.asyncDispose]()
    }
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

async function work(engine: Engine, order: Order): Promise<void> {
  const subject = engineSubject(engine)
  say({ word: 'open' })
  const lost =
    order.task === 'check' ? await checkEverything(subject, order.acts) : await checkActs(subject, order.acts)
  say({ word: 'checked', lost })
  if (order.task === 'check') return
  await prepareLoad(subject, act => say({ word: 'told', act }))
  say({ word: 'loading' })
  await Promise.race(loadWithoutEnd(subject, order.round, act => say({ word: 'told', act })))
}

const [dir = ''] = process.argv.slice(2)
const input = createInterface(process.stdin)
const [line] = (await once(input, 'line')) as [string]
// whoever gave the order has gone
input.once('close', () => process.exit(3))
const order = JSON.parse(line) as Order
say({ word: 'opening' })
await withPorts(dir, async ports => {
  if (order.initialise) await initialise(await ports(), op)
  const engine = await createEngine(await ports(), op)
  try {
    await work(engine, order)
  } finally {
    await engine[Symbol.asyncDispose]()
  }
})
say({ word: 'end' })
process.exit(0)
