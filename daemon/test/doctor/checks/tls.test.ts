import { expect } from 'chai'
import { checkTls, judgeChain } from '../../../src/doctor/checks/tls.ts'
import type { DoctorContext } from '../../../src/doctor/context.ts'
import { createInternalCa, issueServerCertificate } from '../../../src/tls/internal-ca.ts'
import { configDirectory, type ConfigDirectory } from '../../config/support.ts'

const dayMs = 86_400_000

describe('doctor: the TLS chain', () => {
  let dir: ConfigDirectory
  const now = new Date()
  beforeEach(async () => {
    dir = await configDirectory()
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  const issue = async () => {
    const ca = await createInternalCa({ name: 'Test', now })
    return { ca, server: await issueServerCertificate(ca, { hosts: ['localhost'], now, days: 90 }) }
  }
  const look = (at = now) => {
    const tls = { certificate: `${dir.path}/server.pem`, internalCa: { directory: `${dir.path}/ca`, hosts: [] } }
    return checkTls({ config: { tls }, now: at } as unknown as DoctorContext)
  }

  it('is well when each is signed by the next, and all are valid', async () => {
    const { ca, server } = await issue()
    await dir.write('server.pem', server.certificatePem + ca.certificatePem)
    await dir.write('ca/ca.pem', ca.certificatePem)
    const found = await look()
    expect(found.map(({ status }) => status)).to.deep.equal(['ok', 'ok'])
    expect(found[0]?.found).to.match(/^2 certificates; /)
    const [late, authority] = await look(new Date(now.getTime() + 91 * dayMs))
    expect(late).to.include({ status: 'problem' })
    expect(authority).to.include({ status: 'ok' })
  })

  it('finds an intermediate that signed something else', async () => {
    const [{ server }, { ca }] = [await issue(), await issue()]
    await dir.write('server.pem', server.certificatePem + ca.certificatePem)
    const [chain, authority] = await look()
    expect(chain?.found).to.include('is not signed by the certificate after it')
    expect(authority).to.include({ status: 'not-checked' })
  })

  it('that cannot be read is not checked; one that is not valid yet is a problem', async () => {
    expect((await look())[0]).to.include({ status: 'not-checked' })
    await dir.write('server.pem', 'nothing')
    expect((await look())[0]).to.include({ status: 'not-checked' })
    const issued = { subject: 'CN=x', notBefore: new Date(now.getTime() + dayMs), signedByNext: true }
    expect(judgeChain([{ ...issued, notAfter: new Date(now.getTime() + 2 * dayMs) }], now)).to.include({
      status: 'problem',
    })
  })
})
