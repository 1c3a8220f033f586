import assert from 'node:assert/strict'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { WarderError, type Store } from '@warder/contract'
import { patientOp, quietHost } from '@warder/testkit'
import { plugin } from '../src/index.ts'
import { place } from './place.ts'

/** What the conformance suite cannot know: how this store keeps things. */
describe('the log', () => {
  const op = patientOp()
  const record = { collection: 'things', id: 'a', revision: 1, attributes: {}, body: Uint8Array.of(1) }

  async function withStore(file: string, use: (store: Store) => Promise<void>): Promise<void> {
    const store = await plugin.open({ file }, quietHost(), op)
    try {
      await use(store)
    } finally {
      await store[Symbol.asyncDispose]()
    }
  }

  async function withLog(use: (file: string) => Promise<void>): Promise<void> {
    const { config, remove } = await place()
    try {
      await withStore(config.file, store => store.put(record, 'absent', op))
      await use(config.file)
    } finally {
      await remove()
    }
  }

  it('can be read by its owner alone', () =>
    withLog(async file => assert.equal((await stat(file)).mode & 0o777, 0o600)))

  it('loses a last line that was cut short, and nothing else', () =>
    withLog(async file => {
      const whole = await readFile(file, 'utf8')
      await appendFile(file, whole.slice(0, -1))
      await withStore(file, async store => {
        assert.ok(await store.get('things', 'a', op))
        assert.equal(await readFile(file, 'utf8'), whole)
      })
    }))

  it('is refused, and left as it is, when it is damaged anywhere else', () =>
    withLog(async file => {
      const changed = (await readFile(file, 'utf8')).replace('things', 'thinks')
      await writeFile(file, changed)
      await assert.rejects(plugin.open({ file }, quietHost(), op), error =>
        WarderError.is(error, 'storage-unavailable'),
      )
      assert.equal(await readFile(file, 'utf8'), changed)
    }))
})
