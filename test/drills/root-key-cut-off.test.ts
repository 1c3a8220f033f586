import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, plugin } from '@warder/hsm-pkcs11'
import { quietHost } from '@warder/testkit'
import { expect } from 'chai'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { recordsOf } from '../support/journal.ts'
import { until } from '../support/until.ts'

interface Rotation {
  readonly rootKey: number
  readonly state: string
  readonly done: number
  readonly of: number
}

const keys = '/v1/spaces/default/keys'
const op = { signal: new AbortController().signal }

describe('a root key that the token had made when the appliance ended, before that was on record', function () {
  this.timeout(60_000)
  let appliance: Appliance
  before(async () => (appliance = await startAppliance()))
  after(() => appliance[Symbol.asyncDispose]())

  const rotation = (): Promise<Rotation> => appliance.admin.get<Rotation>('/v1/rootKeys')

  it('wraps every key after the next start: it was told as a rotation that is done, with nothing rewrapped', async () => {
    for (const name of ['one', 'two']) await appliance.admin.post(keys, { name, algorithm: 'P-256' })
    for (const rootKey of [2, 3]) {
      await appliance.stop()
      const token = JSON.parse(await readFile(join(appliance.dir, 'hsm', 'hsm.json'), 'utf8')) as Config
      // what is left of a rotation that is cut off here
      const provider = await plugin.open(token, quietHost(), op)
      expect(await provider.createRootKey(op)).to.equal(rootKey)
      await provider[Symbol.asyncDispose]()
      await appliance.start()
      await until('the rotation has ended', async () => (await rotation()).state === 'done')
      expect(await rotation()).to.deep.include({ rootKey, done: 2, of: 2 })
      const { status } = await appliance.admin.send({
        method: 'POST',
        path: `${keys}/one:sign`,
        body: { input: 'AAAA' },
      })
      expect(status).to.equal(200)
    }
    const told = recordsOf(await appliance.journal()).filter(({ action }) => action === 'root-key:rotate')
    const outcomes = told.filter(({ phase }) => phase === 'outcome')
    expect(outcomes.map(({ actor, subject }) => [actor, subject['rootKey']])).to.deep.equal([
      ['system', 2],
      ['system', 3],
    ])
  })
})
