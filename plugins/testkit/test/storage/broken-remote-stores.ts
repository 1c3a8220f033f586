import { AbortListeners, WarderError, type Op, type StoragePlugin, type Store } from '@warder/contract'
import { patientOp } from '@warder/testkit'
import { plugin as sound, type RemoteConfig } from './reference/remote-storage.ts'
import { RemoteStore } from './reference/remote-store.ts'
import { FrameReader, type Answer } from './reference/wire.ts'

type Plugin = StoragePlugin<RemoteConfig>
/** Fields of a store to replace, given the sound store and how to open another. */
type Defect = (store: Store, open: () => Promise<Store>) => Partial<Store>

export interface BrokenRemoteStore {
  /** What is wrong with it. */
  readonly fault: string
  /** The case that must fail, and what its message must say. */
  readonly caught: string
  readonly saying: RegExp
  readonly plugin: Plugin
}

const cutCalls = 'a call that the network cuts rejects with storage-unavailable: never absent, never done'
const lostAnswers =
  'a write whose answer is lost is storage-unavailable; reading tells whether it was made, and to go on from there'
const openings = 'open rejects when there is no network or it stalls, leaves no connection, and opens when it is well'
const stalls = 'a call in a stall ends with its signal, and later answers go to those who asked'
const left = "64 calls given up in a stall leave no connections behind and take no one's place"

export const brokenRemoteStores: readonly BrokenRemoteStore[] = [
  broken('takes a lost connection for an absent record', cutCalls, /get, cut on its way,/, store => ({
    get: (collection, id, op) => store.get(collection, id, op).catch(unlessUnavailable(undefined)),
  })),
  broken('takes a lost connection for an empty collection', cutCalls, /query, cut on its way,/, store => ({
    query: (collection, query, op) => store.query(collection, query, op).catch(unlessUnavailable({ records: [] })),
  })),
  broken('takes a write that was cut for done', cutCalls, /put, cut on its way,/, store => ({
    put: (record, expect, op) => store.put(record, expect, op).catch(unlessUnavailable(undefined)),
  })),
  broken('takes a batch that was cut for done', cutCalls, /batch, cut on its way,/, store => ({
    batch: async (writes, op) => store.batch?.(writes, op).catch(unlessUnavailable(undefined)),
  })),
  broken('calls a lost connection cancelled', cutCalls, /storage-unavailable/, store => ({
    delete: (collection, id, expect, op) =>
      store.delete(collection, id, expect, op).catch((error: unknown) => {
        throw WarderError.is(error, 'storage-unavailable') ? new WarderError('cancelled', 'cancelled') : error
      }),
  })),
  broken(
    'never connects again',
    'when the network is well again the same store serves, without being opened anew',
    /still fails when the network is well again/,
    store => {
      let failure: Error | undefined
      return {
        get: async (collection, id, op) => {
          if (failure) throw failure
          return store.get(collection, id, op).catch((error: Error) => {
            failure = error
            throw error
          })
        },
      }
    },
  ),
  broken(
    'takes an answer that was cut for none',
    'half an answer is no answer, wherever it is cut',
    /record "kept" is missing/,
    store => ({ get: (collection, id, op) => store.get(collection, id, op).catch(unlessUnavailable(undefined)) }),
  ),
  broken(
    'takes an answer that was lost for an absent record',
    'a call whose answer is lost rejects with storage-unavailable, or with what was read by asking again',
    /record "kept" is missing/,
    store => ({ get: (collection, id, op) => store.get(collection, id, op).catch(unlessUnavailable(undefined)) }),
  ),
  broken('writes again when an answer was lost', lostAnswers, /stale-revision/, store => ({
    put: (record, expect, op) =>
      store.put(record, expect, op).catch((error: unknown) => {
        if (WarderError.is(error, 'storage-unavailable')) return store.put(record, expect, op)
        throw error
      }),
  })),
  broken('makes half of a batch when its answer is lost', lostAnswers, /of the 20 writes of a batch/, store => ({
    batch: async (writes, op) => {
      for (const write of writes) if ('put' in write) await store.put(write.put, write.expect, op)
    },
  })),
  broken(
    'says that half a request was written',
    'half a request is no write, wherever it is cut',
    /resolved and was not made/,
    store => ({
      put: (record, expect, op) =>
        record.revision > 1
          ? store.put(record, expect, op).catch(unlessUnavailable(undefined))
          : store.put(record, expect, op),
    }),
  ),
  broken(
    'acknowledges writes before they are answered',
    '8 writers through random cuts lose no increment and make none twice',
    /was told of \d+ increments/,
    store => ({
      put: async (record, expect, op) => {
        const writing = store.put(record, expect, op)
        writing.catch(() => {})
        if (record.id !== 'tally') await writing
      },
    }),
  ),
  broken(
    'compares revisions before it sends and not where the record is',
    '8 writers through random cuts lose no increment and make none twice',
    /was told of \d+ increments|each increment was made once/,
    store => ({
      put: async (record, expect, op) => {
        const found = await store.get(record.collection, record.id, op)
        if ((found?.revision ?? 'absent') !== expect) throw new WarderError('stale-revision', 'stale')
        if (found) await store.delete(record.collection, record.id, found.revision, op)
        for (let revision = 1; revision <= record.revision; revision++) {
          await store.put({ ...record, revision }, revision === 1 ? 'absent' : revision - 1, op)
        }
      },
    }),
  ),
  broken('does not look at the signal of a call on its way', stalls, /get in a stall does not end/, store => ({
    get: (collection, id) => store.get(collection, id, patientOp()),
  })),
  broken('gives the next answer to whoever asks next', stalls, /strictly deep-equal/, fifo),
  broken(
    'says that a write was cancelled which is on its way',
    'a write that said cancelled in a stall is never made',
    /was cancelled and is there/,
    store => ({ put: (record, expect, op) => orCancelled(store.put(record, expect, patientOp()), op) }),
  ),
  broken('keeps the places of calls given up', left, /get after the network was healed/, store => {
    let free = 64
    return {
      get: async (collection, id, op) => {
        if (free === 0) throw new WarderError('over-capacity', 'too many')
        free -= 1
        const found = await store.get(collection, id, op)
        free += 1
        return found
      },
    }
  }),
  broken('leaves a connection behind for each call given up', left, /more than 32 connections/, (_, open) => ({
    get: async (collection, id, op) => {
      const own = open()
      const found = await orCancelled(own, op).then(store => store.get(collection, id, op))
      await (await own)[Symbol.asyncDispose]()
      return found
    },
  })),
  broken(
    'is well without a network',
    'health is not ok while there is no network, and ok again after',
    /health says "always" without a network/,
    () => ({ health: async () => ({ ok: true, detail: 'always' }) }),
  ),
  broken('is never well again', 'health is not ok while there is no network, and ok again after', /false/, store => {
    let wasIll = false
    return {
      health: async op => {
        const health = await store.health(op)
        wasIll ||= !health.ok
        return { ...health, ok: !wasIll }
      },
    }
  }),
  broken(
    'waits for ever to know whether it is well',
    'health in a stall ends with its signal, is not ok, and is ok again after',
    /health in a stall does not end/,
    store => ({
      health: async () => {
        await store.get('things', 'health', patientOp())
        return { ok: true, detail: 'always' }
      },
    }),
  ),
  broken(
    'waits for calls in a stall when it is closed',
    'closing in a stall ends, and so do the calls under way; no connection stays',
    /closing in a stall does not end/,
    store => {
      let last: Promise<unknown> = Promise.resolve()
      return {
        get: (collection, id, op) => {
          const reading = store.get(collection, id, op)
          last = reading.catch(() => {})
          return reading
        },
        [Symbol.asyncDispose]: async () => {
          await last
          await store[Symbol.asyncDispose]()
        },
      }
    },
  ),
  broken(
    'closes and leaves its connection open',
    'closing in a stall ends, and so do the calls under way; no connection stays',
    /does not end|under way/,
    () => ({ [Symbol.asyncDispose]: async () => {} }),
  ),
  {
    fault: 'takes every piece of the stream for a message',
    caught: 'records arrive whole however slowly the bytes come',
    saying: /a slow put was refused with storage-unavailable/,
    plugin: { ...sound, open: (address, _host, op) => new RemoteStore(address, () => new HastyReader()).open(op) },
  },
  {
    fault: 'opens before it has reached anything',
    caught: openings,
    saying: /open without a network must reject/,
    plugin: { ...sound, open: async address => new RemoteStore(address) },
  },
  {
    fault: 'leaves a connection open when its opening was given up',
    caught: openings,
    saying: /a connection of an open that rejected does not end/,
    plugin: { ...sound, open: (address, host, op) => orCancelled(sound.open(address, host, patientOp()), op) },
  },
]

function broken(fault: string, caught: string, saying: RegExp, defect: Defect): BrokenRemoteStore {
  const plugin: Plugin = {
    ...sound,
    open: async (address, host, op) => {
      const store = await sound.open(address, host, op)
      return { ...ownMembers(store), ...defect(store, () => sound.open(address, host, patientOp())) }
    },
  }
  return { fault, caught, saying, plugin }
}

/** The members of a store as an object that can be spread. */
function ownMembers(store: Store): Store {
  return {
    maxBodyBytes: store.maxBodyBytes,
    get: (...args) => store.get(...args),
    put: (...args) => store.put(...args),
    delete: (...args) => store.delete(...args),
    query: (...args) => store.query(...args),
    batch: async (...args) => store.batch?.(...args),
    health: op => store.health(op),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

function unlessUnavailable<T>(value: T): (error: unknown) => T {
  return error => {
    if (WarderError.is(error, 'storage-unavailable')) return value
    throw error
  }
}

/** Stops waiting when the signal says so. The work goes on. */
function orCancelled<T>(work: Promise<T>, { signal }: Op): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = new AbortListeners().add(signal, () => reject(new WarderError('cancelled', 'cancelled')))
    work.then(resolve, reject).finally(stop)
  })
}

/** As a connection whose answers come in the order of the questions, when one who gave up leaves its answer on it. */
function fifo(store: Store): Partial<Store> {
  const answers: ReturnType<Store['get']>[] = []
  return {
    get: (collection, id, op) => {
      answers.push(store.get(collection, id, patientOp()))
      const next = answers[0] ?? Promise.resolve(undefined)
      const take = (): void => void answers.shift()
      const taken = orCancelled(next, op)
      taken.then(take, () => {})
      return taken
    },
  }
}

class HastyReader extends FrameReader<Answer> {
  override read(chunk: Buffer): Answer[] {
    const messages = super.read(chunk)
    if (messages.length === 0) throw new WarderError('storage-unavailable', 'This is no message.')
    return messages
  }
}
