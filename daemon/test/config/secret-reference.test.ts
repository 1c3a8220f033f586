import { chmod } from 'node:fs/promises'
import { expect } from 'chai'
import { parseSecretReference, readSecret, sourceOf } from '../../src/config/secret-reference.ts'
import { configDirectory, type ConfigDirectory } from './support.ts'

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => error.message,
  )

describe('references to secrets', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  it('are a path, file: and a path, or credential: and a name', () => {
    expect(parseSecretReference('/a')).to.deep.equal({ kind: 'file', path: '/a' })
    expect(parseSecretReference('file:/a')).to.deep.equal({ kind: 'file', path: '/a' })
    expect(parseSecretReference('credential:tls-key')).to.deep.equal({ kind: 'credential', name: 'tls-key' })
    for (const wrong of ['', 'a', 'file:a', 'credential:', 'credential:a/b', 'credential:..', '/a\0b'])
      expect(parseSecretReference(wrong), wrong).to.equal(undefined)
  })

  it('lead root to where the units load a credential from', () => {
    expect(sourceOf('credential:tls-key', '/c')).to.equal('/c/tls-key')
    expect(sourceOf('file:/k', '/c')).to.equal('/k')
  })

  it('are read from the credentials of the process', async () => {
    await dir.write('tls-key', 'secret')
    const read = await readSecret('credential:tls-key', { CREDENTIALS_DIRECTORY: dir.path })
    expect(Buffer.from(read).toString()).to.equal('secret')
    expect(await failure(readSecret('credential:tls-key', {}))).to.match(/started without credentials/)
    expect(await failure(readSecret('credential:none', { CREDENTIALS_DIRECTORY: dir.path }))).to.match(/\(ENOENT\)/)
  })

  it('are refused when everybody may read what they lead to', async () => {
    const file = await dir.write('key', 'secret')
    await chmod(file, 0o604)
    expect(await failure(readSecret(file, {}))).to.match(/^Everybody may use .*: chmod it to 0600\.$/)
  })
})
