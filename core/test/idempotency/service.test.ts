import { type Store, WarderError } from '@warder/contract'
import { expect } from 'chai'
import type { Call } from '../../src/call.ts'
import type { StoredAnswer } from '../../src/engine-api.ts'
import { createIdempotency } from '../../src/idempotency/service.ts'
import { Disks, op } from '../support/foundation.ts'

const call = (credential = 'a'): Call => ({
  principal: {
    identity: 'someone',
    credential,
    method: 'api-key',
    spaces: '*',
    permissions: ['write'],
    sourceIp: '127.0.0.1',
  },
  requestId: 'r',
  signal: op.signal,
})
const digest = Buffer.alloc(32, 1)
const request = { route: 'POST /v1/x', key: 'k', digest, keepAnswer: true }
const answer = (body: string): StoredAnswer => ({ status: 201, headers: { ETag: '"1"' }, body })

describe('idempotency keys', () => {
  let disks: Disks
  let store: Store
  let time = Date.parse('2030-01-01T00:00:00Z')
  const boot = async () => {
    store = await disks.store()
    const { repository, journal } = await disks.boot(store)
    return { service: createIdempotency({ repository, store, now: () => new Date(time) }), journal, repository }
  }
  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'ok',
      (error: unknown) => (WarderError.is(error) ? error.code : 'other'),
    )

  beforeEach(async () => {
    disks = new Disks()
    await disks.create()
  })

  it('give the first answer again, also after a restart, and act once', async () => {
    let acts = 0
    const act = async (): Promise<StoredAnswer> => answer(`answer ${++acts}`)
    const first = await boot()
    expect(await first.service.once(call(), request, act)).to.deep.equal({ ...answer('answer 1'), replayed: false })
    expect(await first.service.once(call(), request, act)).to.deep.equal({ ...answer('answer 1'), replayed: true })
    await first.journal.close()
    const again = await boot()
    expect(await again.service.once(call(), request, act)).to.deep.equal({ ...answer('answer 1'), replayed: true })
    expect(acts).to.equal(1)
  })

  it('of another credential, another route or another key are others', async () => {
    const { service } = await boot()
    let acts = 0
    const act = async (): Promise<StoredAnswer> => answer(`${++acts}`)
    await service.once(call(), request, act)
    await service.once(call('b'), request, act)
    await service.once(call(), { ...request, route: 'POST /v1/y' }, act)
    await service.once(call(), { ...request, key: 'l' }, act)
    expect(acts).to.equal(4)
  })

  it('are refused for another request, and while the first is running', async () => {
    const { service } = await boot()
    let finish = (): void => {}
    const gate = new Promise<void>(resolve => (finish = resolve))
    let begun = (): void => {}
    const running = new Promise<void>(resolve => (begun = resolve))
    const first = service.once(call(), request, async () => {
      begun()
      await gate
      return answer('x')
    })
    await running
    expect(await codeOf(service.once(call(), request, async () => answer('y')))).to.equal('idempotency-in-flight')
    finish()
    await first
    const other = { ...request, digest: Buffer.alloc(32, 2) }
    expect(await codeOf(service.once(call(), other, async () => answer('y')))).to.equal('idempotency-conflict')
  })

  it('may be used again after a refusal, and after a crash in the middle', async () => {
    const { service, journal } = await boot()
    const refusing = service.once(call(), request, () => Promise.reject(new WarderError('key-exists', 'there is one')))
    expect(await codeOf(refusing)).to.equal('key-exists')
    expect(await codeOf(service.once(call(), request, async () => answer('x')))).to.equal('ok')
    // A crash while the act runs leaves its beginning and nothing else.
    void service.once(call(), { ...request, key: 'crash' }, () => new Promise(() => {})).catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 50))
    await journal.close()
    const again = await boot()
    expect(await again.service.once(call(), { ...request, key: 'crash' }, async () => answer('y'))).to.include({
      body: 'y',
      replayed: false,
    })
  })

  it('never keep a secret that is shown once', async () => {
    const { service } = await boot()
    const once = { ...request, keepAnswer: false }
    expect((await service.once(call(), once, async () => answer('the secret'))).body).to.equal('the secret')
    expect(await codeOf(service.once(call(), once, async () => answer('another')))).to.equal('idempotency-conflict')
  })

  it('are forgotten after a day', async () => {
    const { service, repository } = await boot()
    await service.once(call(), request, async () => answer('x'))
    await service.forget(op)
    const idempotency = { name: 'idempotency' } as Parameters<typeof repository.ids>[0]
    expect(repository.ids(idempotency, { prefix: '', limit: 10 })).to.have.length(1)
    time += 86_400_001
    await service.forget(op)
    expect(repository.ids(idempotency, { prefix: '', limit: 10 })).to.have.length(0)
    expect((await service.once(call(), request, async () => answer('new'))).body).to.equal('new')
  })
})
