import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { PluginSecrets } from '../../src/hsm/plugin-secrets.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection } from './support/until.ts'

const given = () => Uint8Array.from(Buffer.from('of the operator'))
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('the secrets of an HSM plugin', () => {
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let file: string
  beforeEach(async () => {
    dir = await makeRunDir()
    file = join(dir.path, 'secret')
    await writeFile(file, 'of a file\n', { mode: 0o600 })
  })
  afterEach(() => dir.remove())

  it('are those its configuration refers to', async () => {
    const secrets = new PluginSecrets([{ pin: { operator: true }, other: { file } }], given())
    expect(text(await secrets.read({ operator: true }))).to.equal('of the operator')
    expect(text(await secrets.read({ file }))).to.equal('of a file\n')
  })

  it('are no others', async () => {
    const secrets = new PluginSecrets([{ pin: { file: '/another' }, path: file, also: { file, x: 1 } }], given())
    for (const reference of [{ file }, { credential: 'tls-key' }, { operator: true }] as const)
      expect((await rejection(secrets.read(reference))).code).to.equal('config-invalid')
  })

  it('are not read from a file that everybody may read', async () => {
    await chmod(file, 0o604)
    expect((await rejection(new PluginSecrets([{ pin: { file } }], undefined).read({ file }))).code).to.equal(
      'config-invalid',
    )
  })

  it('are lent as copies, and the operator’s not beyond the opening', async () => {
    const operator = given()
    const secrets = new PluginSecrets([{ pin: { operator: true } }], operator)
    ;(await secrets.read({ operator: true })).fill(0)
    expect(text(await secrets.read({ operator: true }))).to.equal('of the operator')
    secrets.erase()
    expect(operator.every(byte => byte === 0)).to.equal(true)
    expect((await rejection(secrets.read({ operator: true }))).code).to.equal('sealed')
  })
})
