import { expect } from 'chai'
import { expiryHealth, readTlsFiles } from '../../src/serve/tls-pair.ts'
import { createInternalCa, issueServerCertificate } from '../../src/tls/internal-ca.ts'
import { configDirectory, type ConfigDirectory } from '../config/support.ts'

describe('a certificate with its key', () => {
  let dir: ConfigDirectory
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  const issue = async () => {
    const now = new Date()
    return issueServerCertificate(await createInternalCa({ name: 'Test', now }), { hosts: ['localhost'], now })
  }
  const read = async (certificate: string, key: string) =>
    readTlsFiles(await dir.write('c.pem', certificate), await dir.write('k.pem', key))
  const failure = (certificate: string, key: string) =>
    read(certificate, key).then(
      () => undefined,
      (error: Error) => error.message,
    )

  it('is read with its fingerprint and end', async () => {
    const { certificatePem, privateKeyPem } = await issue()
    const pair = await read(certificatePem, privateKeyPem)
    expect(pair.fingerprint).to.match(/^[0-9a-f]{64}$/)
    expect(pair.notAfter.getTime()).to.be.greaterThan(Date.now())
    expect(pair.privateKeyPem.toString()).to.equal(privateKeyPem)
  })

  it('is refused when the two do not belong together, or one is none', async () => {
    const [one, other] = [await issue(), await issue()]
    expect(await failure(one.certificatePem, other.privateKeyPem)).to.match(/does not belong to the certificate/)
    expect(await failure('no PEM', one.privateKeyPem)).to.match(/holds no PEM certificate/)
    expect(await failure(one.certificatePem, 'no PEM')).to.match(/holds no PEM private key/)
  })

  it('is refused with an intermediate that is none', async () => {
    const { certificatePem, privateKeyPem } = await issue()
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    expect(await failure(`${certificatePem}\n${broken}`, privateKeyPem)).to.match(/OpenSSL does not take/)
  })

  it('is an alarm from 14 days before its end', () => {
    const end = new Date('2030-03-31T12:00:00Z')
    const health = (now: string) => expiryHealth(end, new Date(now))
    expect(health('2030-03-17T12:00:00Z')).to.deep.equal({
      ok: true,
      detail: 'the certificate expires on 2030-03-31, in 14 days',
    })
    expect(health('2030-03-17T12:00:01Z')).to.include({ ok: false })
    expect(health('2030-03-30T12:00:00Z').detail).to.match(/in 1 day: warder tls renew$/)
    expect(health('2030-03-31T12:00:00Z').detail).to.match(/expired on 2030-03-31: warder tls renew$/)
  })
})
