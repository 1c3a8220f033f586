import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, inspect, plugin } from '@warder/hsm-pkcs11'
import { quietHost } from '@warder/testkit'
import { expect } from 'chai'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { ProblemBody, Reply } from '../support/client.ts'
import { recordsOf } from '../support/journal.ts'
import { expectProblem } from '../support/problem.ts'

const keys = '/v1/spaces/default/keys'
const op = { signal: new AbortController().signal }

const replaced = [
  { algorithm: 'P-256', usage: 'sign' },
  { algorithm: 'HMAC-SHA-256', usage: 'mac' },
] as const

describe('resident keys that somebody replaces on the token while no host runs', function () {
  this.timeout(60_000)
  let appliance: Appliance
  let token: Config
  before(async () => {
    appliance = await startAppliance()
    token = JSON.parse(await readFile(join(appliance.dir, 'hsm', 'hsm.json'), 'utf8')) as Config
  })
  after(() => appliance[Symbol.asyncDispose]())

  const tenantIds = async (): Promise<readonly string[]> =>
    (await inspect(token)).objects.flatMap(({ label }) => /^tenant\/([0-9a-f]{32})$/.exec(label)?.[1] ?? [])

  it('are refused with hsm-key-missing, and the other keys are not used', async () => {
    const use = (usage: string): Promise<Reply<ProblemBody>> =>
      appliance.admin.send({ method: 'POST', path: `${keys}/${usage}:${usage}`, body: { input: 'AAAA' } })
    const ids: string[] = []
    for (const { algorithm, usage } of replaced) {
      await appliance.admin.post(keys, { name: usage, algorithm, custody: 'resident' })
      expect((await use(usage)).status).to.equal(200)
      ids.push(...(await tenantIds()).filter(id => !ids.includes(id)).slice(0, 1))
    }

    await appliance.stop()
    // by another user of the token, who knows the PIN and the ids
    const provider = await plugin.open(token, quietHost(), op)
    for (const [index, made] of replaced.entries()) {
      const of = { custody: 'resident', id: ids[index] ?? '', ...made } as const
      await provider.destroy(of, op)
      await provider.generate({ ...of, exportable: false }, op)
    }
    await provider[Symbol.asyncDispose]()
    await appliance.start()

    for (const { usage } of replaced) {
      for (let time = 0; time < 2; time++) expectProblem(await use(usage), 503, 'hsm-key-missing')
      const results = recordsOf(await appliance.journal()).filter(({ action }) => action === `key:${usage}`)
      expect(results.map(({ result }) => result)).to.deep.equal(['ok', 'hsm-key-missing', 'hsm-key-missing'])
    }
  })
})
