import { createPrivateKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { WarderError } from '@warder/contract'
import type { Config } from '../config/schema.ts'
import { parseSecretReference, readPrivately, sourceOf } from '../config/secret-reference.ts'
import { writeFileDurably } from '../durable-file.ts'
import { isRoot, type User } from '../systemd/accounts.ts'
import { createInternalCa, type InternalCa, issueServerCertificate } from '../tls/internal-ca.ts'
import { makeDirectory } from './directories.ts'

/** What was done, a line each. */
export type Say = (line: string) => void

interface Places {
  readonly caCertificate: string
  readonly caKey: string
  /** Beside the server's certificate, where callers may read it. */
  readonly publicCa: string
  readonly certificate: string
  readonly key: string
  readonly hosts: readonly string[]
}

function placesOf({ tls, credentialsDir }: Config): Places | undefined {
  if (tls.internalCa === undefined) return undefined
  const { directory, hosts } = tls.internalCa
  return {
    caCertificate: join(directory, 'ca.pem'),
    caKey: join(directory, 'ca.key'),
    publicCa: join(dirname(tls.certificate), 'ca.pem'),
    certificate: tls.certificate,
    key: sourceOf(tls.key, credentialsDir),
    hosts,
  }
}

/**
 * Makes the authority and the server's certificate, where the configuration asks for an authority of the appliance's own.
 * What is there is kept.
 * @throws WarderError `already-initialised` when only one of certificate and key is there.
 */
export async function ensureTls(config: Config, owner: User | undefined, say: Say): Promise<void> {
  const at = placesOf(config)
  if (at === undefined) return
  const there = [at.certificate, at.key].filter(file => existsSync(file))
  if (there.length === 1) {
    throw new WarderError(
      'already-initialised',
      `There is ${there[0]} without its counterpart. Nothing was overwritten: restore it, or run warder tls renew.`,
    )
  }
  if (there.length === 0) await issue(config, at, owner, say)
}

/**
 * Issues a new certificate with a new key in place of those that are there. The authority stays, so callers notice nothing.
 * @throws WarderError `config-invalid` when the configuration has no authority, `not-initialised` when its key is not there.
 */
export async function renewTls(config: Config, owner: User | undefined, say: Say): Promise<void> {
  const at = placesOf(config)
  if (at === undefined) {
    throw new WarderError(
      'config-invalid',
      'tls.internalCa is not configured: get a certificate from whoever issued the present one, then reload.',
    )
  }
  if (!existsSync(at.caCertificate)) {
    throw new WarderError('not-initialised', `There is no ${at.caCertificate}: run warder init.`)
  }
  await issue(config, at, owner, say)
}

async function issue(config: Config, at: Places, owner: User | undefined, say: Say): Promise<void> {
  const root = { mode: 0o700, uid: 0, gid: 0 }
  await makeDirectory(dirname(at.caKey), root)
  await makeDirectory(dirname(at.key), root)
  await makeDirectory(dirname(at.certificate), { ...root, mode: 0o755 })
  const ca = existsSync(at.caCertificate) ? await readCa(at) : await makeCa(config, at, say)
  try {
    const { certificatePem, privateKeyPem } = await issueServerCertificate(ca, { hosts: at.hosts, now: new Date() })
    await writeFileDurably(at.key, privateKeyPem)
    // as a credential it is read by the service manager, who is root
    const direct = parseSecretReference(config.tls.key)?.kind === 'file'
    if (direct && owner !== undefined && isRoot()) await chown(at.key, owner.uid, owner.gid)
    await writePublicly(at.certificate, certificatePem)
    await writePublicly(at.publicCa, ca.certificatePem)
    say(`issued a certificate for ${at.hosts.join(', ')}: ${at.certificate}; callers trust ${at.publicCa}`)
  } finally {
    ca.privateKeyPkcs8.fill(0)
  }
}

/** The certificate is written last: an authority without it never issued anything, and is made anew. */
async function makeCa({ node }: Config, at: Places, say: Say): Promise<InternalCa> {
  const ca = await createInternalCa({ name: `Warder ${node || hostname()}`, now: new Date() })
  const key = createPrivateKey({ key: Buffer.from(ca.privateKeyPkcs8), format: 'der', type: 'pkcs8' })
  await writeFileDurably(at.caKey, key.export({ type: 'pkcs8', format: 'pem' }))
  await writeFileDurably(at.caCertificate, ca.certificatePem)
  say(`made a certificate authority: ${dirname(at.caKey)}`)
  return ca
}

async function readCa(at: Places): Promise<InternalCa> {
  const pem = Buffer.from(await readPrivately(at.caKey))
  try {
    const privateKeyPkcs8 = new Uint8Array(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }))
    return { certificatePem: await readFile(at.caCertificate, 'utf8'), privateKeyPkcs8 }
  } finally {
    pem.fill(0)
  }
}

async function writePublicly(path: string, text: string): Promise<void> {
  await writeFileDurably(path, text)
  await chmod(path, 0o644)
}
