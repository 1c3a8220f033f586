import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import {
  signatureAlgorithms,
  WarderError,
  type GeneratedKey,
  type KeyProvider,
  type KeyRef,
  type KeySpec,
  type Op,
  type SignatureAlgorithm,
} from '@warder/contract'

/**
 * TEST ONLY: a stand-in for a token, on node:crypto, P-256 and Ed25519 only. It protects nothing: a "sealed" blob is the
 * private key in the clear. It is here for faults that a real token cannot be made to show on demand.
 */
export class MemoryProvider implements KeyProvider {
  readonly #keys = new Map<string, KeyObject>()
  disposed = 0
  /** Calls that wait in {@link whenAborted}. */
  waiting = 0

  async capabilities() {
    const custody = ['P-256', 'Ed25519'] as const
    return {
      token: { label: 'memory', serial: '1', manufacturer: 'test', model: 'test', firmware: '0' },
      generate: { resident: custody, sealed: custody },
      sign: signatureAlgorithms.filter(name => name === 'ES256' || name === 'EdDSA'),
      mechanisms: ['CKM_ECDSA'],
    }
  }

  async generate({ algorithm, custody, id }: KeySpec): Promise<GeneratedKey> {
    const pair =
      algorithm === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
    if (custody === 'resident') {
      this.#keys.set(id, pair.privateKey)
      return { ref: { custody, algorithm, id }, spki }
    }
    const blob = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
    return { ref: { custody, algorithm, rootKey: 1, blob }, spki }
  }

  async locate({ id }: KeyRef & { custody: 'resident' }) {
    const key = this.#keys.get(id)
    return key && { spki: createPublicKey(key).export({ type: 'spki', format: 'der' }) }
  }

  async sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    op.signal.throwIfAborted()
    const key =
      ref.custody === 'resident'
        ? this.#keys.get(ref.id)
        : createPrivateKey({ key: Buffer.from(ref.blob), format: 'der', type: 'pkcs8' })
    if (key === undefined) throw new WarderError('hsm-key-missing', 'No such key', { facts: { id: 'x' } })
    // not a true ES256 over a digest: node:crypto offers none; the channel does not care
    return sign(algorithm === 'EdDSA' ? undefined : 'sha256', input, { key, dsaEncoding: 'ieee-p1363' })
  }

  async random(length: number) {
    return randomBytes(length)
  }

  async sealStoreSecret(secret: Uint8Array) {
    return Uint8Array.from(secret, byte => byte ^ 0x55)
  }

  async openStoreSecret(sealed: Uint8Array) {
    return Uint8Array.from(sealed, byte => byte ^ 0x55)
  }

  async destroy({ id }: KeyRef & { custody: 'resident' }) {
    this.#keys.delete(id)
  }

  async health() {
    return { ok: true, detail: 'in memory' }
  }

  async [Symbol.asyncDispose]() {
    this.disposed++
  }

  /** Rejects when the signal aborts, and never otherwise: queued work. */
  whenAborted({ signal }: Op): Promise<never> {
    this.waiting++
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        this.waiting--
        reject(new WarderError('cancelled', 'It was taken from the queue'))
      })
    })
  }
}
