import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions } from 'node:tls'
import { listen } from '../../src/http/listener.ts'
import { createInternalCa, issueServerCertificate } from '../../src/tls/internal-ca.ts'

/** Exit code and all output of openssl, with nothing on its standard input. */
function openssl(...args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise(resolve => {
    const child = execFile('openssl', args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: stdout + stderr })
    })
    child.stdin?.end()
  })
}

describe('the internal CA', () => {
  const now = new Date()
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-ca-'))
  })
  after(() => rm(directory, { recursive: true }))

  async function files(names: Readonly<Record<string, string>>): Promise<string[]> {
    const paths = Object.keys(names).map(name => join(directory, name))
    await Promise.all(Object.values(names).map((text, at) => writeFile(paths[at] ?? '', text, { mode: 0o600 })))
    return paths
  }

  it('issues certificates that openssl accepts strictly for a server, and for nothing else', async () => {
    const ca = await createInternalCa({ name: 'Warder internal CA', now })
    const server = await issueServerCertificate(ca, { hosts: ['localhost', '127.0.0.1', '::1'], now })
    const [caFile, file] = (await files({ 'ca.pem': ca.certificatePem, 'server.pem': server.certificatePem })) as [
      string,
      string,
    ]
    const verify = (...more: readonly string[]) => openssl('verify', '-x509_strict', '-CAfile', caFile, ...more, file)
    for (const more of [
      ['-verify_hostname', 'localhost'],
      ['-verify_ip', '127.0.0.1'],
      ['-verify_ip', '::1'],
    ]) {
      expect(await verify('-purpose', 'sslserver', ...more)).to.deep.equal({ code: 0, output: `${file}: OK\n` })
    }
    expect((await verify('-purpose', 'sslserver', '-verify_hostname', 'other')).code).to.not.equal(0)
    expect((await verify('-purpose', 'sslclient')).code).to.not.equal(0)
  })

  it('states its constraints, times and serial numbers', async () => {
    const ca = await createInternalCa({ name: 'Warder internal CA', now })
    const { certificatePem } = await issueServerCertificate(ca, { hosts: ['warder.internal'], now, days: 30 })
    const [caFile, file] = (await files({ 'ca2.pem': ca.certificatePem, 'server2.pem': certificatePem })) as [
      string,
      string,
    ]
    const caText = (await openssl('x509', '-noout', '-text', '-in', caFile)).output
    expect(caText).to.match(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    expect(caText).to.match(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
    const text = (await openssl('x509', '-noout', '-text', '-in', file)).output
    expect(text).to.match(/Basic Constraints: critical\s+CA:FALSE/)
    expect(text).to.match(/Extended Key Usage:\s+TLS Web Server Authentication\n/)
    expect(text).to.match(/DNS:warder\.internal/)
    const [parsed, authority] = [new X509Certificate(certificatePem), new X509Certificate(ca.certificatePem)]
    expect(parsed.checkIssued(authority)).to.equal(true)
    const second = 1000
    expect(new Date(parsed.validFrom).getTime()).to.be.closeTo(now.getTime() - 300 * second, second)
    expect(new Date(parsed.validTo).getTime()).to.be.closeTo(now.getTime() + 30 * 86_400 * second, second)
    expect(new Date(authority.validTo).getUTCFullYear()).to.equal(now.getUTCFullYear() + 10)
    for (const { serialNumber } of [parsed, authority]) expect(serialNumber).to.match(/^[4-7][0-9A-F]{39}$/)
    expect(parsed.serialNumber).to.not.equal(authority.serialNumber)
  })

  it('refuses to issue for no host at all', async () => {
    const ca = await createInternalCa({ name: 'a', now })
    let thrown: unknown
    await issueServerCertificate(ca, { hosts: [], now }).catch((error: unknown) => (thrown = error))
    expect(thrown).to.be.instanceOf(TypeError)
  })

  it('serves TLS 1.3 and HTTP/1.1, and nothing older', async () => {
    const ca = await createInternalCa({ name: 'a', now })
    const certificate = await issueServerCertificate(ca, { hosts: ['localhost'], now })
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      ...certificate,
      handle: (_, response) => response.end(),
    })
    try {
      const { port } = listener.address
      const handshake = (options: ConnectionOptions) =>
        new Promise<{ protocol: string | null; alpn: string | false | null }>((resolve, reject) => {
          const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options }, () => {
            resolve({ protocol: socket.getProtocol(), alpn: socket.alpnProtocol })
            socket.destroy()
          })
          socket.once('error', reject)
        })
      const refused = (options: ConnectionOptions) =>
        handshake(options).then(
          () => 'accepted',
          () => 'refused',
        )
      const ALPNProtocols = ['h2', 'http/1.1']
      expect(await handshake({ ca: ca.certificatePem, ALPNProtocols })).to.deep.equal({
        protocol: 'TLSv1.3',
        alpn: 'http/1.1',
      })
      expect(await refused({ ca: ca.certificatePem, ALPNProtocols: ['h2'] })).to.equal('refused')
      expect(await refused({ ca: ca.certificatePem, maxVersion: 'TLSv1.2' })).to.equal('refused')
      expect(await refused({})).to.equal('refused')
      expect(await refused({ ca: ca.certificatePem, servername: 'elsewhere' })).to.equal('refused')
      const [caFile] = (await files({ 'ca3.pem': ca.certificatePem })) as [string]
      const client = (...version: readonly string[]) =>
        openssl('s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', caFile, '-verify_return_error', ...version)
      const current = await client('-tls1_3')
      expect(current.code, current.output).to.equal(0)
      expect(current.output).to.include('Verify return code: 0 (ok)')
      const old = await client('-tls1_2')
      expect(old.code).to.not.equal(0)
      expect(old.output).to.match(/alert protocol version/)
    } finally {
      await listener.close()
    }
  })
})
