import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { inspect } from '../src/inspect.ts'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import {
  expectSigns,
  host,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  temporaryDirectory,
  withProvider,
} from './support.ts'

describe('finding the token', () => {
  let directory: string
  let config: Config
  let serial: string

  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory, { label: 'twin' })
    serial = (await inspect(config)).token.serial
    // a second token of the same name, which the provisioning here would refuse to make
    const args = ['--init-token', '--free', '--label', 'twin', '--pin', 'other-pin', '--so-pin', 'other-so-pin']
    await promisify(execFile)('softhsm2-util', args, { env: { ...process.env, ...config.environment } })
  })
  after(() => removeDirectory(directory))

  it('refuses to choose between two tokens of one label, and names their serials', async () => {
    const error = await refusal(plugin.open(config, host, op))
    expect(error.code).to.equal('config-invalid')
    expect(error.facts['serials']).to.have.length(2).and.to.include(serial)
  })

  it('lesson: finds a token by its serial, wherever its slot has moved', async () => {
    await withProvider({ ...config, token: { serial } }, async provider => {
      expect((await provider.capabilities(op)).token).to.include({ label: 'twin', serial })
      await expectSigns(provider, await sealedKey(provider))
    })
  })
})
