import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Log, PluginHost } from '@warder/contract'
import { createEngine, type Engine, initialise, type Ports } from '@warder/core'
import { plugin as storagePlugin } from '@warder/storage-sqlite'
import { Closer } from '../../daemon/src/closer.ts'
import { connectHsm } from '../../daemon/src/hsm/client.ts'
import { openJournalDirectory } from '../../daemon/src/journal/journal-directory.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from '../../daemon/src/store-secret.ts'
import { checkTraces } from './support/lifecycle-check.ts'
import { call, type Drilled, lanesWithoutEnd } from './support/lifecycle-lanes.ts'
import type { Order, Word } from './support/lifecycle-orders.ts'
import { until } from './support/until.ts'

// A program that is there to be killed while it changes keys. `node lifecycle-child.ts DIR` waits for one order on stdin,
// and says on stdout, line by line and without a buffer, what it has begun and what was acknowledged.

const say = (word: Word): void => void writeSync(1, `${JSON.stringify(word)}\n`)

const warn: Log['warn'] = (message, fields) => void writeSync(2, `${message} ${JSON.stringify(fields ?? {})}\n`)
const log: Log = { debug() {}, info() {}, warn, error: warn }
const op = { signal: new AbortController().signal }
const week = 8 * 86_400_000

let ahead = 0
const now = (): Date => new Date(Date.now() + ahead)
const host: PluginHost = { log, now }

async function open(dir: string, closer: Closer, initialiseFirst: boolean): Promise<Engine> {
  const store = closer.push(await storagePlugin.open({ file: join(dir, 'store.sqlite') }, host, op))
  const hsm = closer.push(connectHsm({ runDir: join(dir, 'run'), hosts: 1 }))
  await hsm.ready(op)
  await createStoreSecretIfAbsent(dir, hsm, op)
  const files = { store, hsm, journalFiles: await openJournalDirectory(join(dir, 'journal')) }
  // the engine takes the secret and zeroes it
  const ports = async (): Promise<Ports> => ({
    ...files,
    log,
    now,
    node: 'drill',
    storeSecret: await openStoreSecret(dir, hsm, op),
  })
  if (initialiseFirst) await initialise(await ports(), op)
  return closer.push(await createEngine(await ports(), op))
}

async function work(drilled: Drilled, order: Order): Promise<void> {
  const { rootKeys } = drilled.engine
  say({ word: 'open' })
  const wrong = await checkTraces(drilled, order.traces)
  if (order.task === 'check') {
    await until('the root key is rotated', 60_000, async () => (await rootKeys.status(call())).state === 'done')
    const { done, of } = await rootKeys.status(call())
    if (done !== of) wrong.push(`the root key is rotated, and wraps ${done} of ${of} versions`)
  }
  say({ word: 'checked', wrong })
  if (order.task === 'check') return
  const lanes = await lanesWithoutEnd(drilled, order.round, say)
  say({ word: 'loading' })
  await Promise.race(lanes.map(lane => lane()))
}

const [dir = ''] = process.argv.slice(2)
const input = createInterface(process.stdin)
const [line] = (await once(input, 'line')) as [string]
// whoever gave the order has gone
input.once('close', () => process.exit(3))
const order = JSON.parse(line) as Order
say({ word: 'opening' })
const closer = new Closer()
try {
  const engine = await open(dir, closer, order.initialise)
  const maintainLater = async (): Promise<void> => {
    ahead = week
    try {
      await engine.maintain(op)
    } finally {
      ahead = 0
    }
  }
  await work({ engine, maintainLater }, order)
} finally {
  await closer[Symbol.asyncDispose]()
}
say({ word: 'end' })
process.exit(0)
