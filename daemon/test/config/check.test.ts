import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkConfig } from '../../src/config/check.ts'
import { createInternalCa, issueServerCertificate } from '../../src/tls/internal-ca.ts'
import { configDirectory, type ConfigDirectory, wholeConfig } from './support.ts'

describe('warder config check', function () {
  this.timeout(30_000)
  let dir: ConfigDirectory
  let units: string

  beforeEach(async () => {
    dir = await configDirectory()
    units = '/nowhere'
    await dir.write('warder.toml', wholeConfig(dir.path))
    for (const name of ['data', 'run', 'state']) await mkdir(join(dir.path, name), { mode: 0o700 })
    await dir.write('pin', '1234')
    await issue(90)
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  const issue = async (days: number) => {
    const now = new Date()
    const ca = await createInternalCa({ name: 'Test', now })
    const issued = await issueServerCertificate(ca, { hosts: ['localhost'], now, days })
    await dir.write('tls/server.pem', issued.certificatePem)
    await dir.write('tls/server.key', issued.privateKeyPem)
    return ca
  }
  const check = async () => {
    const findings = await checkConfig(dir.main, [units], join(dir.path, 'credstore'))
    return findings.map(
      ({ severity, place, message }) =>
        `${severity} ${place.replace(`${dir.path}/`, '')}: ${message.replaceAll(`${dir.path}/`, '')}`,
    )
  }

  it('has nothing to say about a configuration that is well', async () => {
    expect(await check()).to.deep.equal([])
  })

  it('tells of all that is not there, and how to make it', async () => {
    await dir.write(
      'conf.d/x.toml',
      `dataDir = "${dir.path}/none"\n[tls]\nkey = "${dir.path}/none.key"\n[hsm.config]\npin = { credential = "hsm-pin" }\n`,
    )
    expect(await check()).to.deep.equal([
      // two names in one table: tables merge, and the plugin takes one of them
      'error conf.d/x.toml:5:1: hsm.config.pin: Invalid input (plugin pkcs11).',
      'error none: the data directory is not there: run warder init.',
      'error none.key: tls.key is not there: get one from your authority.',
    ])
  })

  it('names the directories and secrets that others may reach, with the command that ends it', async () => {
    await chmod(join(dir.path, 'data'), 0o755)
    await chmod(join(dir.path, 'run'), 0o750)
    await chmod(join(dir.path, 'tls/server.key'), 0o644)
    await chmod(join(dir.path, 'pin'), 0o660)
    await chmod(dir.main, 0o666)
    expect(await check()).to.deep.equal([
      'error warder.toml: the configuration is open to more than it should be: chmod 0644 warder.toml.',
      'error data: the data directory is open to more than it should be: chmod 0700 data.',
      'error warder.toml:22:1: hsm.runDir: others may enter it: chmod it to 0700.',
      'error tls/server.key: tls.key is open to more than it should be: chmod 0640 tls/server.key.',
      'error pin: the secret of hsm.config.pin is open to more than it should be: chmod 0640 pin.',
    ])
  })

  it('sees a key that does not belong to the certificate', async () => {
    await dir.write(
      'tls/server.key',
      (await issueServerCertificate(await issue(90), { hosts: ['a'], now: new Date() })).privateKeyPem,
    )
    expect(await check()).to.deep.equal([
      'error tls/server.pem: tls.key does not belong to the certificate in tls/server.pem.',
    ])
  })

  it('warns of a certificate that ends soon, or is not for the names callers use', async () => {
    await issue(9)
    await mkdir(join(dir.path, 'ca'), { mode: 0o700 })
    await dir.write(
      'conf.d/x.toml',
      `[tls.internalCa]\ndirectory = "${dir.path}/ca"\nhosts = ["localhost", "other.example.com", "127.0.0.1"]\n`,
    )
    const [first, ...others] = await check()
    expect(first).to.match(/^warning tls\/server\.pem: the certificate expires on .*, in 8 days: warder tls renew\.$/)
    expect(others).to.deep.equal(
      ['other.example.com', '127.0.0.1'].map(
        host => `warning tls/server.pem: The certificate is not for ${host}: run warder tls renew.`,
      ),
    )
  })

  it('lets each plugin check its own configuration, and says where the fault is', async () => {
    await dir.write('conf.d/x.toml', '[hsm.config]\nmodul = "/m"\n[storage.config]\nfile = "relative"\n')
    expect(await check()).to.deep.equal([
      'error conf.d/x.toml:4:1: storage.config.file: must be an absolute path (plugin sqlite).',
      'error conf.d/x.toml:2:1: hsm.config.modul: unknown key (plugin pkcs11).',
    ])
  })

  it('looks at each of several tokens, and at what they make together', async () => {
    const tokens = (...tables: readonly string[]) =>
      dir.write('conf.d/tokens.toml', tables.map(table => `[[hsm.tokens]]\n${table}\n`).join(''))
    await tokens('token = { label = "one" }', `token = { label = "two" }\npin = { file = "${dir.path}/none" }`)
    expect(await check()).to.deep.equal([
      'error none: the secret of hsm.tokens.1.pin is not there: put it there, or run warder-hsm init --new-token.',
    ])
    await tokens('token = { label = "one" }', 'token = { label = "two" }\ntokens = 1')
    expect(await check()).to.deep.equal([
      'error conf.d/tokens.toml:5:1: hsm.tokens.1.tokens: unknown key (plugin pkcs11).',
    ])
    await tokens('token = { label = "one" }', 'token = { label = "one" }\npin = { operator = true }')
    expect(await check()).to.deep.equal([
      'error conf.d/tokens.toml:3:1: hsm.tokens.1: is the same token as hsm.tokens.0.',
      'error conf.d/tokens.toml:3:1: hsm.tokens.1: the PIN is with the operator for all tokens or for none: an operator gives one PIN, which is that of all.',
    ])
  })

  it('says so when a plugin is not allowed or not there', async () => {
    await dir.write('conf.d/x.toml', '[storage]\nplugin = "left-pad"\n')
    const [found] = await check()
    expect(found).to.match(
      /^error conf\.d\/x\.toml:2:1: plugin left-pad: storage\.plugin: not on the list of allowed plugins; add it to plugins\.allow\.$/,
    )
  })

  it('names the accounts that the machine lacks', async () => {
    await dir.write(
      'conf.d/x.toml',
      'user = "no-such-user"\n[hsm]\nuser = "no-such-hsm"\nsocketGroup = "no-such-group"\n',
    )
    const found = await check()
    expect(found).to.include(
      'error conf.d/x.toml:1:1: There is no user no-such-user on this machine: systemd-sysusers makes it.',
    )
    expect(found).to.include(
      'error conf.d/x.toml:3:1: There is no user no-such-hsm on this machine: systemd-sysusers makes it.',
    )
  })

  it('takes a secret that is encrypted to the machine for there, and says that it was not looked into', async () => {
    await dir.write('conf.d/x.toml', '[tls]\nkey = "credential:tls-key"\n')
    expect((await check())[0]).to.match(/^error credentials\/tls-key: tls\.key is not there/)
    await dir.write('credstore/warder.tls-key', 'encrypted')
    expect(await check()).to.deep.equal([
      'note credstore/warder.tls-key: tls.key is encrypted to this machine: only its unit can read it.',
    ])
  })

  it('names each token whose PIN is a credential that the unit does not load, and the line that it lacks', async () => {
    const hsmUnit = 'units/warder-hsm.service'
    const says = (text: string) => dir.write(hsmUnit, `[Service]\n${text}\nLoadCredential=pin-one:/c/pin-one\n`)
    await says(`ExecStart=/usr/bin/warder-hsm serve --config ${dir.main}`)
    await dir.write('warder.toml', wholeConfig(dir.path).replace(/^pin = .*$/m, 'pin = { credential = "pin-one" }'))
    const tokens = ['one', 'two', 'three'].map(
      label =>
        `[[hsm.tokens]]\ntoken = { label = "${label}" }\n${label === 'one' ? '' : `pin = { credential = "pin-${label}" }\n`}`,
    )
    await dir.write('conf.d/tokens.toml', tokens.join(''))
    await dir.write('credentials/pin-one', '1234')
    await dir.write('credentials/pin-two', '1234')
    await dir.write('credstore/warder.pin-three', 'encrypted')
    const encrypted =
      'note credstore/warder.pin-three: the secret of hsm.tokens.2.pin is encrypted to this machine: only its unit can read it.'
    const lacking = (place: string, line: string) =>
      `error ${hsmUnit}: ${place} is the credential ${/=([^:]*)/.exec(line)?.[1]}, which warder-hsm.service does not load: ` +
      `systemctl edit warder-hsm.service, add ${line} to its [Service], then restart it.`
    const two = lacking('hsm.tokens.1.pin', 'LoadCredential=pin-two:credentials/pin-two')
    const three = lacking('hsm.tokens.2.pin', 'LoadCredentialEncrypted=pin-three:credstore/warder.pin-three')
    expect(await check(), 'a unit that is not installed').to.deep.equal([encrypted])
    units = join(dir.path, 'units')
    expect(await check()).to.deep.equal([encrypted, two, three])

    const dropIn = `${hsmUnit}.d/tokens.conf`
    await dir.write(dropIn, '[Service]\nLoadCredential=pin-two:/c/pin-two\n')
    expect(await check()).to.deep.equal([encrypted, three])
    await dir.write(dropIn, '[Service]\nLoadCredential=\nImportCredential=pin-t*\n')
    expect(await check()).to.deep.equal([
      encrypted,
      lacking('hsm.config.pin', 'LoadCredential=pin-one:credentials/pin-one'),
    ])
    await says('ExecStart=/usr/bin/warder-hsm serve --config /srv/other.toml')
    expect(await check(), 'a unit of another configuration').to.deep.equal([encrypted])
  })

  it('notes the drop-in that a configuration needs, which is no error', async () => {
    await writeFile(join(dir.path, 'libnethsm.so'), '')
    await dir.write('conf.d/x.toml', `[hsm.config]\nmodule = "${dir.path}/libnethsm.so"\n`)
    expect(await check()).to.deep.equal([
      'note /nowhere/warder-hsm.service.d/network-hsm.conf: This drop-in is needed, as libnethsm.so may reach its token over a network: ' +
        'copy it from /usr/share/doc/warder/examples/network-hsm.conf.',
    ])
  })
})
