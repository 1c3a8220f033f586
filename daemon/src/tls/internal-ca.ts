// @peculiar/x509 finds its parts through decorators, which need this polyfill to be there first.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import { randomBytes, webcrypto, type webcrypto as WebCrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const
const dayMs = 24 * 60 * 60 * 1000
/** For a caller whose clock is a little behind. */
const backdateMs = 5 * 60 * 1000

/** The appliance's own certificate authority, which callers pin. */
export interface InternalCa {
  readonly certificatePem: string
  /** PKCS#8, DER. The holder zeroes it after use. */
  readonly privateKeyPkcs8: Uint8Array
}

export interface ServerCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/**
 * Makes a P-256 authority for ten years that can issue end-entity certificates and nothing else (RFC 5280: CA,
 * pathLenConstraint 0, keyCertSign and cRLSign).
 */
export async function createInternalCa({ name, now }: { name: string; now: Date }): Promise<InternalCa> {
  const keys = await generateKeys()
  const notAfter = new Date(now)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + 10)
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter,
      keys,
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  const privateKeyPkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { certificatePem: certificate.toString('pem'), privateKeyPkcs8 }
}

export interface ServerCertificateRequest {
  /** DNS names and IP addresses, at least one; each becomes a subject alternative name. */
  readonly hosts: readonly string[]
  readonly now: Date
  /** 90 when absent. */
  readonly days?: number
}

/** A server certificate with a key of its own. @throws TypeError when no host is given. */
export async function issueServerCertificate(
  ca: InternalCa,
  { hosts, now, days = 90 }: ServerCertificateRequest,
): Promise<ServerCertificate> {
  const [first] = hosts
  if (first === undefined) throw new TypeError('a server certificate needs a host')
  const issuer = new X509Certificate(ca.certificatePem)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', ca.privateKeyPkcs8, keyAlgorithm, false, ['sign'])
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [first] }],
      issuer: issuer.subjectName,
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter: new Date(now.getTime() + days * dayMs),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          hosts.map(host => (isIP(host) === 0 ? { type: 'dns', value: host } : { type: 'ip', value: host })),
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  )
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  try {
    return {
      certificatePem: certificate.toString('pem'),
      privateKeyPem: PemConverter.encode(pkcs8, PemConverter.PrivateKeyTag),
    }
  } finally {
    new Uint8Array(pkcs8).fill(0)
  }
}

function generateKeys(): Promise<WebCrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
}

/** 20 bytes, positive and never shortened (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(20)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}
