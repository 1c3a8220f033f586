import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'
import {
  signatureAlgorithms,
  WarderError,
  type Ciphertext,
  type GeneratedKey,
  type KeyProvider,
  type KeyRef,
  type KeySpec,
  type OaepAlgorithm,
  type Op,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type SignatureAlgorithm,
  type WrappedImport,
} from '@warder/contract'

/** A secret key, or a private one as PKCS#8. */
type Bytes = Uint8Array

/**
 * TEST ONLY: a stand-in for a token, on node:crypto, P-256, Ed25519, AES-256 and HMAC-SHA-256 only. It protects nothing: a
 * "sealed" blob is the key in the clear, and so is an import and an export. It is here for faults that a
 * real token cannot be made to show on demand.
 */
export class MemoryProvider implements KeyProvider {
  readonly #keys = new Map<string, Bytes>()
  #newest = 1
  /** Whom root keys are said to be wrapped to. */
  recipient: Uint8Array | undefined
  disposed = 0
  /** Calls that wait in {@link whenAborted}. */
  waiting = 0

  async capabilities() {
    const custody = ['P-256', 'Ed25519', 'AES-256', 'HMAC-SHA-256'] as const
    return {
      token: { label: 'memory', serial: '1', manufacturer: 'test', model: 'test', firmware: '0' },
      generate: { resident: custody, sealed: custody },
      usages: ['sign', 'encrypt', 'wrap', 'mac', 'derive'] as const,
      sign: signatureAlgorithms.filter(name => name === 'ES256' || name === 'EdDSA'),
      encrypt: ['A256GCM'] as const,
      mechanisms: ['CKM_ECDSA'],
    }
  }

  async generate(spec: KeySpec): Promise<GeneratedKey> {
    const { algorithm } = spec
    if (algorithm === 'AES-256' || algorithm === 'HMAC-SHA-256') return this.#keep(spec, randomBytes(32))
    const { privateKey } =
      algorithm === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return this.#keep(spec, privateKey.export({ type: 'pkcs8', format: 'der' }))
  }

  async locate({ id, algorithm }: ResidentRef) {
    const key = this.#keys.get(id)
    return key && halfOf(algorithm, key)
  }

  async sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    op.signal.throwIfAborted()
    const key = privateKeyOf(this.#key(ref))
    // not a true ES256 over a digest: node:crypto offers none; the channel does not care
    return sign(algorithm === 'EdDSA' ? undefined : 'sha256', input, { key, dsaEncoding: 'ieee-p1363' })
  }

  async encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array): Promise<Sealed> {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key(ref), iv).setAAD(aad)
    return { iv, ciphertext: Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]) }
  }

  async decrypt(ref: KeyRef, input: Ciphertext): Promise<Uint8Array> {
    if (input.algorithm !== 'A256GCM') throw new WarderError('unsupported-mechanism', 'No such thing')
    const cipher = createDecipheriv('aes-256-gcm', this.#key(ref), input.iv, { authTagLength: 16 }).setAAD(input.aad)
    cipher.setAuthTag(input.ciphertext.subarray(-16))
    return Buffer.concat([cipher.update(input.ciphertext.subarray(0, -16)), cipher.final()])
  }

  async mac(ref: KeyRef, data: Uint8Array): Promise<Uint8Array> {
    return createHmac('sha256', this.#key(ref)).update(data).digest()
  }

  async wrap(ref: KeyRef, bytes: Uint8Array): Promise<Uint8Array> {
    const cipher = createCipheriv('id-aes256-wrap-pad', this.#key(ref), wrapIv)
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  }

  async unwrap(ref: KeyRef, wrapped: Uint8Array): Promise<Uint8Array> {
    const cipher = createDecipheriv('id-aes256-wrap-pad', this.#key(ref), wrapIv)
    return Buffer.concat([cipher.update(wrapped), cipher.final()])
  }

  async derive(ref: KeyRef, peer: Uint8Array): Promise<Uint8Array> {
    const publicKey = createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' })
    return diffieHellman({ privateKey: privateKeyOf(this.#key(ref)), publicKey })
  }

  async random(length: number) {
    return randomBytes(length)
  }

  async importKey({ spec, wrapped }: WrappedImport): Promise<GeneratedKey> {
    return this.#keep(spec, wrapped)
  }

  async exportKey(ref: SealedRef, _recipient: Uint8Array, _oaep: OaepAlgorithm): Promise<Uint8Array> {
    return Uint8Array.from(ref.blob)
  }

  async newestRootKey() {
    return this.#newest
  }

  async createRootKey() {
    return ++this.#newest
  }

  async rootKeyBackup(): Promise<RootKeyBackup> {
    const keys = Array.from({ length: this.#newest }, (_, index) => index + 1)
    return {
      recipient: this.recipient,
      keys: this.recipient === undefined ? [] : keys.map(number => ({ ...copyOfRootKey, number })),
      missing: this.recipient === undefined ? keys.map(number => `kek/${number}`) : [],
    }
  }

  async rewrap(ref: SealedRef): Promise<SealedRef> {
    return { ...ref, rootKey: this.#newest }
  }

  async sealStoreSecret(secret: Uint8Array) {
    return Uint8Array.from(secret, byte => byte ^ 0x55)
  }

  async openStoreSecret(sealed: Uint8Array) {
    return Uint8Array.from(sealed, byte => byte ^ 0x55)
  }

  async destroy({ id }: ResidentRef) {
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

  #keep({ algorithm, usage, custody, exportable, id }: KeySpec, bytes: Bytes): GeneratedKey {
    const key = Uint8Array.from(bytes)
    if (custody === 'resident') this.#keys.set(id, key)
    const ref =
      custody === 'resident'
        ? { custody, algorithm, usage, id }
        : { custody, algorithm, usage, exportable, rootKey: this.#newest, blob: key }
    return { ref, ...halfOf(algorithm, key) }
  }

  #key(ref: KeyRef): Bytes {
    const key = ref.custody === 'resident' ? this.#keys.get(ref.id) : ref.blob
    if (key === undefined) throw new WarderError('hsm-key-missing', 'No such key', { facts: { id: 'x' } })
    return key
  }
}

const copyOfRootKey = { purpose: 'kek', oaep: 'RSA-OAEP', wrapped: new Uint8Array(424).fill(7) } as const
const wrapIv = Buffer.from('a65959a6', 'hex')

function privateKeyOf(bytes: Bytes): KeyObject {
  return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' })
}

function halfOf(algorithm: KeySpec['algorithm'], key: Bytes) {
  if (algorithm === 'AES-256' || algorithm === 'HMAC-SHA-256') {
    return { checkValue: createHmac('sha256', key).update('check').digest().subarray(0, 8) }
  }
  return { spki: createPublicKey(privateKeyOf(key)).export({ type: 'spki', format: 'der' }) }
}
