import { WarderError } from '@warder/contract'
import type { Call, Engine } from '@warder/core'
import { expect } from 'chai'
import { lendEngine } from '../../src/engine/lent-engine.ts'
import { createMemoryEngine } from '../http/support/memory-engine.ts'

const call = { requestId: 'r' } as Call

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: unknown) => (WarderError.is(error) ? error.code : 'another'),
  )
}

describe('an engine that is lent', () => {
  it('is the engine, until it is taken back, and then refuses every call', async () => {
    const engine = createMemoryEngine()
    const { engine: lent, takeBack } = lendEngine(engine)
    expect(await lent.spaces.get(call, 'default')).to.include({ name: 'default' })
    expect(Object.keys(await lent.health({ signal: new AbortController().signal }))).to.include('hsm')
    await takeBack()
    const calls: readonly (() => Promise<unknown>)[] = [
      () => lent.keys.get(call, 'default', 'k'),
      () => lent.crypto.random(call, 8),
      () => lent.transfers.importKey(call, 'default'),
      () => lent.rootKeys.status(call),
      () => lent.spaces.get(call, 'default'),
      () => lent.apiKeys.list(call, { limit: 1 }),
      () => lent.backups.create(call, '1'),
      () => lent.authorizeIntrospection(call),
      () => lent.maintain({ signal: new AbortController().signal }),
    ]
    for (const each of calls) expect(await codeOf(each())).to.equal('sealed')
    expect(lent.figures().journalWaiting).to.equal(0)
    expect(await codeOf(engine.spaces.get(call, 'default'))).to.equal('ok')
  })

  it('cuts a backup off between two of its parts, when the one under way is there', async () => {
    let give = (): void => {}
    const given = new Promise<void>(resolve => (give = resolve))
    const memory = createMemoryEngine()
    const made = await memory.backups.create(call, '1')
    const part = { part: 'store-secret' as const, oaep: 'RSA-OAEP-256' as const, bytes: new Uint8Array(1) }
    const parts = (async function* () {
      yield part
      await given
      yield part
      yield part
    })()
    const engine: Engine = { ...memory, backups: { create: async () => ({ ...made, parts }) } }
    const { engine: lent, takeBack } = lendEngine(engine)
    const backup = await lent.backups.create(call, '1')
    const iterator = backup.parts[Symbol.asyncIterator]()
    await iterator.next()
    const second = iterator.next()
    let back = false
    const taking = takeBack().then(() => (back = true))
    await Promise.resolve()
    expect(back).to.equal(false)
    give()
    expect((await second).done).to.equal(false)
    await taking
    expect(await codeOf(iterator.next())).to.equal('sealed')
    expect(await codeOf(backup.finish({ digest: '', size: 0 }))).to.equal('sealed')
  })

  it('is back when no call is under way any more, and what such a call begins after that is refused', async () => {
    let finish = (): void => {}
    const waiting = new Promise<void>(resolve => (finish = resolve))
    const engine: Engine = {
      ...createMemoryEngine(),
      idempotency: {
        async once(_, __, act) {
          await waiting
          return { ...(await act()), replayed: false }
        },
      },
    }
    const { engine: lent, takeBack } = lendEngine(engine)
    const request = { route: 'r', key: 'k', digest: new Uint8Array(0), keepAnswer: false }
    let acted = 0
    const act = async () => {
      await lent.spaces.get(call, 'default')
      acted++
      return { status: 200, headers: {}, body: '' }
    }
    const outer = codeOf(lent.idempotency.once(call, request, act))
    let back = false
    const taking = takeBack().then(() => (back = true))
    await Promise.resolve()
    expect(back).to.equal(false)
    finish()
    expect([await outer, acted]).to.deep.equal(['sealed', 0])
    await taking
    expect(back).to.equal(true)
  })
})
