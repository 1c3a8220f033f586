import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { permissions } from '@warder/core'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { drillSeed, seeded } from '../drills/support/random.ts'
import { KeysOfSpace } from './support/keys-of-space.ts'
import { type Malformed, malformedRequests } from './support/malformed.ts'
import { residentMiB, throwRequests } from './support/throw-requests.ts'

const count = 5000
const seed = drillSeed()
/** What garbage collection may leave lying for a while; a leak of a body per request would be a multiple of it. */
const slackMiB = 96

describe(`${count} malformed requests (seed ${seed})`, function () {
  this.timeout(120_000)
  let appliance: Appliance
  /** With a capital, so that it is no name: a space that a caller may not enter is named to them, and in the journal. */
  const marker = `zQ${randomBytes(8).toString('hex')}`

  before(async () => {
    appliance = await startAppliance()
    await appliance.admin.post('/v1/spaces', { name: 'fuzz' })
    const keys = new KeysOfSpace(appliance.admin, 'fuzz')
    for (const [name, algorithm] of [
      ['ec', 'P-256'],
      ['aes', 'AES-256'],
      ['mac', 'HMAC-SHA-256'],
    ] as const)
      await keys.create({ name, algorithm })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('are refused, each with a problem: no crash, no 5xx, nothing of them in an answer, and memory stays flat', async function () {
    const { url, ca, pid } = appliance.ready
    const { secret } = await appliance.admin.post<{ secret: string }>('/v1/apiKeys', {
      identity: 'fuzzer',
      spaces: ['fuzz'],
      permissions,
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const aim = { authorization: `Bearer ${secret}`, space: 'fuzz', keys: ['ec', 'aes', 'mac'], marker }
    const target = { url, ca: await readFile(ca, 'utf8') }
    const requests = malformedRequests(seeded(seed), aim)
    const resident: number[] = []
    const { statuses } = await throwRequests(target, requests, { count, width: 32 }, (heard, sent, index) => {
      if (index % (count / 5) === 0) resident.push(residentMiB(pid))
      const what = `request ${index} (${heard.status}): ${shown(sent)}\n${heard.text.slice(0, 500)}`
      expect(heard.status ?? 400, what).to.be.below(500)
      expect((heard.status ?? 0) >= 400 && heard.text.includes(marker), what).to.equal(false)
      if (heard.status !== undefined && heard.status >= 400 && !isAnsweredByNode(heard.status, sent))
        expect(heard.type, what).to.equal('application/problem+json')
    })
    resident.push(residentMiB(pid))
    const [, afterWarmUp = 0] = resident
    expect(resident.at(-1), `resident: ${resident.join(', ')} MiB`).to.be.below(afterWarmUp + slackMiB)
    const refused = Object.entries(statuses).filter(([status]) => status.startsWith('4'))
    expect(refused.reduce((sum, [, times]) => sum + times, 0)).to.be.above(count * 0.75)
    if (this.test !== undefined) {
      const told = Object.entries(statuses).map(([status, times]) => `${status} ${times} times`)
      this.test.title += ` (${told.join(', ')}; ${resident.join(', ')} MiB)`
    }
  })

  it('leave an appliance that serves, with a journal and a log that tell nothing of them', async () => {
    const keys = new KeysOfSpace(appliance.admin, 'fuzz')
    expect((await appliance.admin.send({ path: '/readyz' })).status).to.equal(200)
    // what was there before may be anything by now
    await keys.create({ name: 'after', algorithm: 'HMAC-SHA-256' })
    await keys.act('after', 'mac', { input: '' })
    const lines = `${appliance.logged}\n${await appliance.journal()}`.split('\n')
    expect(lines.filter(line => line.includes(marker)).slice(0, 3)).to.deep.equal([])
    expect(appliance.logged).to.not.match(/"level":"error"/)
  })
})

/** What Node refuses before a request exists: bytes that are none, headers beyond their limit, expectations. */
const isAnsweredByNode = (status: number, sent: Malformed): boolean =>
  'raw' in sent || sent.method === 'HEAD' || status === 417 || status === 431

const shown = (sent: object): string => JSON.stringify('raw' in sent ? { raw: String(sent.raw) } : sent).slice(0, 1000)
