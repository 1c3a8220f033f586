import type { Op, StoragePlugin, Store, StoredRecord, Write } from '@warder/contract'
import { WarderError } from '@warder/contract'
import { MemoryMedium, memoryStorage, patientOp, type MemoryConfig } from '@warder/testkit'

/** Fields of a store to replace, given the sound store and what it keeps its records in. */
type Defect = (sound: Store, medium: MemoryMedium) => Partial<Store>
type Plugin = StoragePlugin<MemoryConfig>

export interface BrokenStore {
  /** What is wrong with it. */
  readonly fault: string
  /** The case that must fail. */
  readonly caught: string
  readonly plugin: Plugin
}

export const brokenStores: readonly BrokenStore[] = [
  broken('ignores revisions', 'a stale revision is refused and changes nothing', (_, medium) => ({
    put: async record => medium.set(record),
  })),
  broken('deletes whatever the revision', 'a stale revision is refused and changes nothing', (_, medium) => ({
    delete: async (collection, id) => medium.remove(collection, id),
  })),
  broken(
    'looks before it writes and not while',
    'of 64 writers that expect the same revision exactly one wins',
    (sound, medium) => ({
      put: async (record, expect, op) => {
        const found = await sound.get(record.collection, record.id, op)
        await turn()
        if ((found?.revision ?? 'absent') !== expect) throw new WarderError('stale-revision', 'stale')
        medium.set(record)
      },
    }),
  ),
  broken(
    'takes any next revision',
    'a revision that is not the expected one plus one is a TypeError',
    (sound, medium) => ({
      put: async (record, expect, op) => {
        const found = await sound.get(record.collection, record.id, op)
        if ((found?.revision ?? 'absent') !== expect) throw new WarderError('stale-revision', 'stale')
        medium.set(record)
      },
    }),
  ),
  broken('folds case in ids', 'hostile ids are kept byte for byte and apart', mappedIds(lower)),
  broken('normalises ids', 'hostile ids are kept byte for byte and apart', mappedIds(composed)),
  broken('trims ids', 'hostile ids are kept byte for byte and apart', mappedIds(trimmed)),
  broken('takes ids of any length', 'malformed ids are refused with a TypeError', (sound, medium) => ({
    put: async (record, expect, op) => (record.id.length > 255 ? medium.set(record) : sound.put(record, expect, op)),
  })),
  broken('cuts large bodies', 'a body larger than the largest is refused with a TypeError, never cut', sound => ({
    put: async (record, expect, op) =>
      sound.put({ ...record, body: record.body.slice(0, sound.maxBodyBytes) }, expect, op),
  })),
  broken('takes only small bodies', 'bodies of every size up to the largest come back whole', () => ({
    maxBodyBytes: 1024,
  })),
  broken('keeps bodies as text', 'binary bodies are identical, also when they are views of a larger buffer', sound => ({
    put: async (record, expect, op) =>
      sound.put({ ...record, body: new Uint8Array(Buffer.from(Buffer.from(record.body).toString())) }, expect, op),
  })),
  broken('gives the bytes it keeps', 'what a store was given and what it gives are copies', sound => {
    const given = new Map<string, StoredRecord>()
    return {
      get: async (collection, id, op) => {
        const found = given.get(id) ?? (await sound.get(collection, id, op))
        if (found) given.set(id, found)
        return found
      },
    }
  }),
  broken('turns numbers into strings', 'attributes of every type come back as they were', sound => ({
    put: async (record, expect, op) => {
      const entries = Object.entries(record.attributes).map(([name, value]) => [name, String(value)] as const)
      await sound.put({ ...record, attributes: Object.fromEntries(entries) }, expect, op)
    },
  })),
  broken('compares attributes as text', 'values of different types never match each other', sound => ({
    query: async (collection, { where = {}, ...rest }, op) => {
      const { records } = await sound.query(collection, { ...rest, limit: 1000 }, op)
      const alike = ({ attributes }: StoredRecord) =>
        Object.entries(where).every(([name, value]) => String(attributes[name]) === String(value))
      return { records: records.filter(alike).slice(0, rest.limit) }
    },
  })),
  broken('looks at the first entry of a filter', 'every entry of a filter must match', sound => ({
    query: (collection, { where = {}, ...rest }, op) =>
      sound.query(collection, { ...rest, where: Object.fromEntries(Object.entries(where).slice(0, 1)) }, op),
  })),
  broken('finds records by what they were', 'a query sees attributes as last written, and no others', sound => {
    const first = new Map<string, StoredRecord>()
    return {
      put: async (record, expect, op) => {
        await sound.put(record, expect, op)
        if (!first.has(record.id)) first.set(record.id, record)
      },
      query: async (collection, query, op) => {
        const state = query.where?.['state']
        const old = [...first.values()].filter(({ attributes }) => state !== undefined && attributes['state'] === state)
        return old.length > 0 ? { records: old } : sound.query(collection, query, op)
      },
    }
  }),
  broken('gives pages in no order', 'records come in the order of the UTF-8 bytes of their ids', sound => ({
    query: async (collection, query, op) => {
      const page = await sound.query(collection, query, op)
      return { ...page, records: page.records.toReversed() }
    },
  })),
  broken('orders as JavaScript does', 'records come in the order of the UTF-8 bytes of their ids', sound => ({
    query: async (collection, query, op) => {
      const page = await sound.query(collection, query, op)
      return { ...page, records: page.records.toSorted((left, right) => (left.id < right.id ? -1 : 1)) }
    },
  })),
  broken('takes any limit', 'a limit is a whole number from 1 to 1000', sound => ({
    query: (collection, query, op) => sound.query(collection, { ...query, limit: Math.min(query.limit, 1000) }, op),
  })),
  broken(
    'counts its way to the next page',
    'a record present throughout appears exactly once while others come and go',
    sound => ({
      query: async (collection, { limit, after }, op) => {
        const { records } = await sound.query(collection, { limit: 1000 }, op)
        const start = Number(after ?? 0)
        const page = records.slice(start, start + limit)
        return start + limit < records.length ? { records: page, next: String(start + limit) } : { records: page }
      },
    }),
  ),
  broken('takes any cursor', 'a cursor that no store made is refused', sound => ({
    query: (collection, { after, ...rest }, op) =>
      sound.query(collection, after && /^[\w-]+$/.test(after) ? { ...rest, after } : rest, op),
  })),
  broken(
    'does not look at the signal',
    'a call whose signal is already aborted rejects with cancelled and does nothing',
    sound => ({ put: async (record, expect) => sound.put(record, expect, patientOp()) }),
  ),
  broken(
    'writes what it has said was cancelled',
    'of writes cancelled on their way those that resolved are there and the others never will be',
    sound => ({
      put: async (record, expect, op) => {
        await turn()
        await sound.put(record, expect, patientOp())
        refuseAborted(op)
      },
    }),
  ),
  broken('does half of a batch', 'a batch with one stale write does nothing, wherever that write stands', sound => ({
    batch: async (writes, op) => {
      for (const write of writes) await apply(sound, write, op)
    },
  })),
  broken('takes batches of any size', 'a batch holds 256 writes and no more', sound => ({
    batch: async (writes, op) => {
      for (let at = 0; at < writes.length; at += 256) await sound.batch?.(writes.slice(at, at + 256), op)
    },
  })),
  broken('goes on after it was closed', 'a closed store refuses every call with storage-unavailable', () => ({
    [Symbol.asyncDispose]: async () => {},
  })),
  broken('is well when it is closed', 'health is ok while the store is open and never throws after', () => ({
    health: async () => ({ ok: true, detail: 'always' }),
  })),
  {
    fault: 'claims batches that it has not',
    caught: 'batch is there if and only if supports.atomicBatch says so',
    plugin: altered(({ batch: _, ...rest }) => rest),
  },
  {
    fault: 'has batches that it does not claim',
    caught: 'batch is there if and only if supports.atomicBatch says so',
    plugin: { ...memoryStorage, supports: { atomicBatch: false, shared: true } },
  },
  {
    fault: 'claims to refuse a second opener and lets it in',
    caught: 'a second opener is safe if the plugin claims so, and refused if not',
    plugin: { ...memoryStorage, supports: { atomicBatch: true, shared: false } },
  },
  {
    fault: 'claims to be shared and gives each opener a store of its own',
    caught: 'a second opener is safe if the plugin claims so, and refused if not',
    plugin: { ...memoryStorage, open: (_, host, op) => memoryStorage.open({}, host, op) },
  },
  {
    fault: 'forgets when it is closed',
    caught: 'a reopened store has everything',
    plugin: { ...memoryStorage, open: (_, host, op) => memoryStorage.open({}, host, op) },
  },
  {
    fault: 'takes unknown keys in its configuration',
    caught: 'the configuration schema takes what opens and refuses unknown keys',
    plugin: {
      ...memoryStorage,
      config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: value as MemoryConfig }) } },
    },
  },
]

function broken(fault: string, caught: string, defect: Defect): BrokenStore {
  return { fault, caught, plugin: altered((sound, medium) => ({ ...sound, ...defect(sound, medium) })) }
}

function altered(alter: (sound: Store, medium: MemoryMedium) => Store): Plugin {
  return {
    ...memoryStorage,
    open: async ({ medium = new MemoryMedium() }, host, op) =>
      alter(ownMembers(await memoryStorage.open({ medium }, host, op)), medium),
  }
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

function mappedIds(map: (id: string) => string): Defect {
  return sound => ({
    get: (collection, id, op) => sound.get(collection, map(id), op),
    put: (record, expect, op) => sound.put({ ...record, id: map(record.id) }, expect, op),
    delete: (collection, id, expect, op) => sound.delete(collection, map(id), expect, op),
  })
}

function lower(id: string): string {
  return id.toLowerCase()
}

function composed(id: string): string {
  return id.normalize('NFC')
}

function trimmed(id: string): string {
  return id.trim()
}

async function apply(store: Store, write: Write, op: Op): Promise<void> {
  if ('put' in write) await store.put(write.put, write.expect, op)
  else await store.delete(write.delete.collection, write.delete.id, write.expect, op)
}

function refuseAborted({ signal }: Op): void {
  if (signal.aborted) throw new WarderError('cancelled', 'cancelled')
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
