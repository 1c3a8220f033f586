import { type Store, type StoredRecord, WarderError, type WarderCode } from '@warder/contract'
import { expect } from 'chai'
import type { JournalRecord } from '../../src/audit/event.ts'
import { readJournal } from '../../src/audit/read.ts'
import { change } from '../../src/records/repository.ts'
import { Disks, draft, notes, op } from '../support/foundation.ts'

async function refusal(
  promise: Promise<unknown>,
): Promise<{ code: WarderCode; facts: Readonly<Record<string, unknown>> }> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  )
  if (!WarderError.is(error)) throw error
  return { code: error.code, facts: error.facts }
}

/** A store that calls back after each write, and can be told to fail. */
function watched(
  store: Store,
  hooks: {
    afterPut?: () => Promise<void>
    put?: (store: Store, record: StoredRecord) => Promise<void>
    get?: () => void
  },
): Store {
  return {
    maxBodyBytes: store.maxBodyBytes,
    get: (...args) => {
      hooks.get?.()
      return store.get(...args)
    },
    put: async (record, expected, each) => {
      if (hooks.put) return hooks.put(store, record)
      await store.put(record, expected, each)
      await hooks.afterPut?.()
    },
    delete: (...args) => store.delete(...args),
    query: (...args) => store.query(...args),
    health: each => store.health(each),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

describe('the sealed repository', () => {
  let disks: Disks
  beforeEach(async () => {
    disks = new Disks()
    await disks.create()
  })

  it('reads back what it wrote, also after a restart', async () => {
    const { repository, journal } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    await repository.write(draft, [change(notes, 'a', 1, { text: 'two words' })], op)
    expect(await repository.read(notes, 'a', op)).to.deep.equal({ value: { text: 'two words' }, revision: 2 })
    await journal.close()
    const again = await disks.boot()
    expect(await again.repository.read(notes, 'a', op)).to.deep.equal({ value: { text: 'two words' }, revision: 2 })
    expect(await again.repository.read(notes, 'b', op)).to.equal(undefined)
    await again.journal.close()
  })

  it('believes a record that storage offers unasked only while it is the one the journal knows', async () => {
    const { repository } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    const first = disks.medium.get('notes', 'a') as StoredRecord
    expect(repository.found(notes, first)).to.deep.equal({ value: { text: 'one' }, revision: 1 })
    await repository.write(draft, [change(notes, 'a', 1, { text: 'two' })], op)
    expect(repository.found(notes, first), 'an older state').to.equal(undefined)
    const second = disks.medium.get('notes', 'a') as StoredRecord
    expect(repository.found(notes, { ...second, id: 'b' }), 'under another id').to.equal(undefined)
    const body = Uint8Array.from(second.body, (byte, at) => (at === 60 ? byte ^ 1 : byte))
    expect(repository.found(notes, { ...second, body }), 'another body').to.equal(undefined)
    const lying = { ...second, attributes: { ...second.attributes, more: 'x' } }
    expect(() => repository.found(notes, lying))
      .to.throw()
      .with.property('code', 'record-corrupt')
    expect(() => repository.found(notes, { ...second, revision: 7 }))
      .to.throw()
      .with.property('code', 'record-corrupt')
  })

  it('stores nothing readable but the attributes', async () => {
    const { repository } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'confidential' })], op)
    expect(Buffer.from(disks.medium.get('notes', 'a')?.body ?? []).includes('confidential')).to.equal(false)
  })

  it('refuses a record put back to an older state, naming both revisions', async () => {
    const { repository } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    const old = disks.medium.get('notes', 'a') as StoredRecord
    await repository.write(draft, [change(notes, 'a', 1, { text: 'two' })], op)
    disks.medium.set(old)
    const expected = { code: 'record-rolled-back', facts: { collection: 'notes', id: 'a', revision: 1, expected: 2 } }
    expect(await refusal(repository.read(notes, 'a', op))).to.deep.equal(expected)
    const again = await disks.boot()
    expect(await refusal(again.repository.read(notes, 'a', op))).to.deep.equal(expected)
  })

  it('lesson: a record that is gone is not an absent one', async () => {
    const { repository } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    disks.medium.remove('notes', 'a')
    expect((await refusal(repository.read(notes, 'a', op))).code).to.equal('record-missing')
  })

  it('finds every changed byte and every changed field of a stored record, and names it', async () => {
    const { repository } = await disks.boot()
    await repository.write(
      draft,
      [change(notes, 'a', 'absent', { text: 'one' }), change(notes, 'b', 'absent', { text: 'one' })],
      op,
    )
    const stored = disks.medium.get('notes', 'a') as StoredRecord
    const other = disks.medium.get('notes', 'b') as StoredRecord
    const corrupt = (field: string): unknown => ({
      code: 'record-corrupt',
      facts: { collection: 'notes', id: 'a', field },
    })

    for (let at = 0; at < stored.body.length; at++) {
      const body = Uint8Array.from(stored.body)
      body[at] = (body[at] as number) ^ 1
      disks.medium.set({ ...stored, body })
      expect(await refusal(repository.read(notes, 'a', op)), `byte ${at}`).to.deep.equal(corrupt('body'))
    }
    disks.medium.set({ ...stored, body: other.body })
    expect(await refusal(repository.read(notes, 'a', op))).to.deep.equal(corrupt('body'))
    disks.medium.set({ ...stored, body: stored.body.subarray(0, 20) })
    expect(await refusal(repository.read(notes, 'a', op))).to.deep.equal(corrupt('body'))
    disks.medium.set({ ...stored, revision: 7 })
    expect(await refusal(repository.read(notes, 'a', op))).to.deep.equal(corrupt('revision'))
    disks.medium.set({ ...stored, attributes: { ...stored.attributes, length: 4 } })
    expect(await refusal(repository.read(notes, 'a', op))).to.deep.equal(corrupt('attributes'))
    for (const moved of [{ id: 'c' }, { collection: 'other' }]) {
      disks.medium.remove('notes', 'a')
      disks.medium.set({ ...stored, ...moved })
      expect((await refusal(repository.read(notes, 'a', op))).code).to.equal('record-missing')
    }
    disks.medium.set(stored)
    expect((await repository.read(notes, 'a', op))?.value).to.deep.equal({ text: 'one' })
  })

  it('lets one of many writers of the same revision win', async () => {
    const { repository } = await disks.boot()
    const attempts = Array.from({ length: 64 }, (_, n) =>
      repository.exclusive(notes, 'a', () =>
        repository.write(draft, [change(notes, 'a', 'absent', { text: `${n}` })], op),
      ),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(WarderError.is(result.reason, 'stale-revision')).to.equal(true)
    }
  })

  it('never takes a right answer for an old one while the record is being written', async () => {
    const { repository } = await disks.boot()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: '0' })], op)
    let writing = true
    const writer = (async () => {
      for (let n = 1; n <= 200; n++) await repository.write(draft, [change(notes, 'a', n, { text: `${n}` })], op)
      writing = false
    })()
    let last = 0
    while (writing) {
      const { value } = (await repository.read(notes, 'a', op)) ?? { value: { text: '-1' } }
      expect(Number(value.text)).to.be.at.least(last)
      last = Number(value.text)
    }
    await writer
  })

  it('reads a new record as soon as another that points at it can be read', async () => {
    // a key whose new version was primary, and not known to the journal, was refused as missing while it rotated
    const seen: unknown[] = []
    const store = watched(await disks.store(), {
      afterPut: async () => {
        const [a, b] = [await repository.read(notes, 'a', op), await repository.read(notes, 'b', op)]
        seen.push([a?.value.text, b?.value.text])
      },
    })
    const { repository } = await disks.boot(store)
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    await repository.write(
      draft,
      [change(notes, 'b', 'absent', { text: 'new' }), change(notes, 'a', 1, { text: 'b' })],
      op,
    )
    expect(seen).to.deep.equal([
      ['one', undefined],
      ['one', 'new'],
      ['b', 'new'],
    ])
  })

  it('after a power cut at any step holds each change whole or not at all, as the journal says', async () => {
    const cuts: Disks[] = []
    const cut = async (): Promise<void> => void cuts.push(await disks.copy())
    const { repository, journal } = await disks.boot(watched(await disks.store(), { afterPut: cut }))
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'old' })], op)
    cuts.length = 0
    await cut()
    await repository.write(
      draft,
      [change(notes, 'a', 1, { text: 'new' }), change(notes, 'b', 'absent', { text: 'new' })],
      op,
    )
    await cut()
    await journal.close()

    const seen: string[] = []
    for (const disk of cuts) {
      const again = await disk.boot()
      const texts = await Promise.all(
        ['a', 'b'].map(async id => (await again.repository.read(notes, id, op))?.value.text),
      )
      seen.push(texts.join())
      // And it is writable again, at the revision it says.
      const revision = again.repository.revision(notes, 'a') ?? 0
      await again.repository.write(draft, [change(notes, 'a', revision, { text: 'later' })], op)
      await again.journal.close()
      await (await disk.boot()).journal.close()
    }
    expect(seen).to.deep.equal(['old,', 'new,', 'new,new', 'new,new'])
  })

  it('counts a write that failed but took effect as made', async () => {
    const lying = watched(await disks.store(), {
      put: async (store, record) => {
        await store.put(record, record.revision === 1 ? 'absent' : record.revision - 1, op)
        throw new WarderError('storage-unavailable', 'the answer was lost')
      },
    })
    const { repository } = await disks.boot(lying)
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    expect((await repository.read(notes, 'a', op))?.value).to.deep.equal({ text: 'one' })
  })

  it('leaves a change open that storage cannot tell about, and settles it at the next start', async () => {
    let dead = false
    const dying = watched(await disks.store(), {
      put: async (store, record) => {
        await store.put(record, 'absent', op)
        dead = true
        throw new WarderError('storage-unavailable', 'gone')
      },
      get: () => {
        if (dead) throw new WarderError('storage-unavailable', 'gone')
      },
    })
    const { repository, journal } = await disks.boot(dying)
    expect((await refusal(repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op))).code).to.equal(
      'storage-unavailable',
    )
    expect((await refusal(repository.write(draft, [change(notes, 'a', 'absent', { text: 'two' })], op))).code).to.equal(
      'storage-unavailable',
    )
    await journal.close()
    const again = await disks.boot()
    expect(await again.repository.read(notes, 'a', op)).to.deep.equal({ value: { text: 'one' }, revision: 1 })
    await again.journal.close()
    const records: JournalRecord[] = []
    await readJournal(disks.files, record => records.push(record))
    expect(records.find(({ result }) => result === 'settled')?.applied).to.equal(1)
  })

  it('changes nothing when the intent cannot be journaled', async () => {
    const { repository } = await disks.boot()
    disks.files.fault = { reason: 'io-error', keep: 10 }
    expect((await refusal(repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op))).code).to.equal(
      'journal-unavailable',
    )
    expect(disks.medium.get('notes', 'a')).to.equal(undefined)
  })
})
