import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Health, WarderError } from '@warder/contract'
import { readPrivately, readSecret } from '../config/secret-reference.ts'
import type { Config } from '../config/schema.ts'

/** A server certificate with its private key, as PEM. The holder zeroes the key. */
export interface TlsPair {
  readonly certificatePem: string
  readonly privateKeyPem: Buffer
  /** SHA-256 over the certificate, in hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
}

const dayMs = 86_400_000
/** From then on the certificate's end is an alarm. */
export const alarmDays = 14

/**
 * The certificate and key that the configuration names, as the running service reads them.
 * @throws WarderError `config-invalid` when one cannot be read or they do not belong together.
 */
export async function readTlsPair(tls: Config['tls'], environment: NodeJS.ProcessEnv): Promise<TlsPair> {
  return pairOf(tls.certificate, await readSecret(tls.key, environment))
}

/** As {@link readTlsPair}, with the key in a file that this process may read. */
export async function readTlsFiles(certificate: string, key: string): Promise<TlsPair> {
  return pairOf(certificate, await readPrivately(key))
}

async function pairOf(file: string, key: Uint8Array): Promise<TlsPair> {
  const privateKeyPem = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  try {
    const certificatePem = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw refused(`${file} cannot be read (${cause.code ?? 'failed'}).`, cause)
    })
    const leaf = attempt(() => new X509Certificate(certificatePem), `${file} holds no PEM certificate.`)
    const privateKey = attempt(() => createPrivateKey(privateKeyPem), 'tls.key holds no PEM private key.')
    if (!leaf.checkPrivateKey(privateKey)) throw refused(`tls.key does not belong to the certificate in ${file}.`)
    attempt(
      () => createSecureContext({ cert: certificatePem, key: privateKeyPem }),
      `OpenSSL does not take the certificates in ${file} with their key.`,
    )
    const fingerprint = leaf.fingerprint256.replaceAll(':', '').toLowerCase()
    return { certificatePem, privateKeyPem, fingerprint, notAfter: new Date(leaf.validTo) }
  } catch (error) {
    privateKeyPem.fill(0)
    throw error
  }
}

/** Whether a certificate will do for some time yet. */
export function expiryHealth(notAfter: Date, now: Date): Health {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / dayMs)
  const on = notAfter.toISOString().slice(0, 10)
  if (now >= notAfter) return { ok: false, detail: `the certificate expired on ${on}: warder tls renew` }
  const detail = `the certificate expires on ${on}, in ${days} ${days === 1 ? 'day' : 'days'}`
  return days >= alarmDays ? { ok: true, detail } : { ok: false, detail: `${detail}: warder tls renew` }
}

function attempt<T>(fn: () => T, message: string): T {
  try {
    return fn()
  } catch (cause) {
    throw refused(message, cause)
  }
}

function refused(message: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', message, { facts: { field: 'tls' }, cause })
}
