import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  diffieHellman,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import {
  usagesOf,
  WarderError,
  type Ciphertext,
  type EncryptionAlgorithm,
  type GeneratedKey,
  type Health,
  type KeyProvider,
  type KeyPurpose,
  type KeyRef,
  type KeySpec,
  type OaepAlgorithm,
  type Op,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type SignatureAlgorithm,
  type TokenCapabilities,
  type WrappedImport,
} from '@warder/contract'
import { Claims } from '../../../src/hsm/claims.ts'
import { signers } from '../../../src/hsm/independent.ts'
import { rawSign } from './raw-sign.ts'
import * as keys from './reference-keys.ts'
import type { ReferenceToken, StoredKey } from './reference-token.ts'
import { cancelled, Turns } from './turns.ts'

/** Test-only reference: the whole contract by node:crypto, in memory. No model for a plugin: private bytes are in this process. */
export class ReferenceProvider implements KeyProvider {
  readonly #token: ReferenceToken
  readonly #claims: Claims
  readonly #turns = new Turns()
  #closed = false

  constructor(token: ReferenceToken, capabilities: TokenCapabilities) {
    this.#token = token
    this.#claims = new Claims(capabilities)
  }

  health(): Promise<Health> {
    return Promise.resolve(this.#closed ? { ok: false, detail: 'closed' } : { ok: true, detail: 'in memory' })
  }

  capabilities(op: Op): Promise<TokenCapabilities> {
    return this.#run(op, () => this.#claims.published)
  }

  generate(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    return this.#run(op, () => {
      this.#requireMakes(spec)
      return this.#place(spec, keys.newKey(spec.algorithm))
    })
  }

  locate(ref: ResidentRef, op: Op): Promise<Omit<GeneratedKey, 'ref'> | undefined> {
    return this.#run(op, () => {
      const key = this.#token.residents.get(ref.id)
      if (key !== undefined) requireIdentity(ref, key)
      return key && keys.publicHalf(key.algorithm, key.usage, key.bytes)
    })
  }

  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'sign')
      if (!signers[algorithm].includes(ref.algorithm)) throw new WarderError('algorithm-mismatch', 'not of this key')
      if (!this.#claims.signs(algorithm)) throw unsupported(algorithm)
      const wanted = Number(algorithm.slice(-3)) / 8
      if (algorithm !== 'EdDSA' && input.length !== wanted) throw new TypeError(`the digest must be ${wanted} bytes`)
      return new Uint8Array(rawSign(keys.privateKey(this.#find(ref, 'sign').bytes), algorithm, input))
    })
  }

  encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed> {
    return this.#run(op, () => {
      requireUsage(ref, 'encrypt')
      if (plaintext.length > 65_536) throw new TypeError('too much to encrypt')
      this.#requireEncryption('A256GCM')
      const { bytes } = this.#secret(ref, 'encrypt')
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', bytes, iv).setAAD(aad)
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      return { iv: new Uint8Array(iv), ciphertext: new Uint8Array(ciphertext) }
    })
  }

  decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'encrypt')
      this.#requireEncryption(input.algorithm)
      const { bytes } = input.algorithm === 'A256GCM' ? this.#secret(ref, 'encrypt') : this.#find(ref, 'encrypt')
      return uniformly(() => {
        if (input.algorithm !== 'A256GCM') return oaepOpen(keys.privateKey(bytes), input.algorithm, input.ciphertext)
        if (input.iv.length !== 12 || input.ciphertext.length < 16) throw new Error('too short')
        const decipher = createDecipheriv('aes-256-gcm', bytes, input.iv, { authTagLength: 16 }).setAAD(input.aad)
        decipher.setAuthTag(input.ciphertext.subarray(-16))
        return Buffer.concat([decipher.update(input.ciphertext.subarray(0, -16)), decipher.final()])
      })
    })
  }

  mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'mac')
      if (data.length > 65_536) throw new TypeError('too much to authenticate')
      if (this.#claims.custodies(ref.algorithm, 'mac').length === 0) throw unsupported(ref.algorithm)
      const { bytes } = this.#find(ref, 'mac')
      return new Uint8Array(createHmac(keys.macHash(ref.algorithm), bytes).update(data).digest())
    })
  }

  wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'wrap')
      if (bytes.length < 1 || bytes.length > 4096) throw new TypeError('1 to 4096 bytes can be wrapped')
      this.#requireUsable(ref, 'wrap')
      const frame = Buffer.alloc(Math.ceil((4 + bytes.length) / 8) * 8)
      frame.writeUInt32BE(bytes.length)
      frame.set(bytes, 4)
      return keys.keyWrap(this.#find(ref, 'wrap').bytes, frame)
    })
  }

  unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'wrap')
      this.#requireUsable(ref, 'wrap')
      const { bytes } = this.#find(ref, 'wrap')
      return uniformly(() => {
        const frame = keys.keyUnwrap(bytes, wrapped)
        const length = frame.readUInt32BE(0)
        const padding = frame.subarray(4 + length)
        const whole = length >= 1 && length <= 4096 && frame.length === Math.ceil((4 + length) / 8) * 8
        if (!whole || padding.some(byte => byte !== 0)) throw new Error('not framed')
        return frame.subarray(4, 4 + length)
      })
    })
  }

  derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      requireUsage(ref, 'derive')
      this.#requireUsable(ref, 'derive')
      const theirs = readPublic(peer)
      if (keys.algorithmOf(theirs) !== ref.algorithm) throw new WarderError('algorithm-mismatch', 'another curve')
      const ours = keys.privateKey(this.#find(ref, 'derive').bytes)
      return new Uint8Array(diffieHellman({ privateKey: ours, publicKey: theirs }))
    })
  }

  random(length: number, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      if (!Number.isInteger(length) || length < 1 || length > 4096) throw new TypeError('length must be 1 to 4096')
      return new Uint8Array(randomBytes(length))
    })
  }

  importKey({ under, oaep, wrapped, spec, spki }: WrappedImport, op: Op): Promise<GeneratedKey> {
    return this.#run(op, () => {
      requireUsage(under, 'import')
      this.#requireMakes(spec)
      this.#requireEncryption(oaep)
      const isPair = !keys.isSecret(spec.algorithm)
      if (isPair && spki === undefined) throw new TypeError('a key pair comes with its public half')
      const importKey = keys.privateKey(this.#find(under, 'import').bytes)
      const bytes = uniformly(() => {
        const transport = oaepOpen(importKey, oaep, wrapped.subarray(0, 512))
        if (transport.length !== 32) throw new Error('not an AES-256 key')
        const found = Buffer.from(keys.keyUnwrap(transport, wrapped.subarray(512)))
        if (!keys.isOf(spec.algorithm, found)) throw new Error('another kind of key')
        const half = keys.publicHalf(spec.algorithm, spec.usage, found)
        if (isPair && !Buffer.from(half.spki ?? []).equals(spki ?? Buffer.alloc(0))) throw new Error('another key')
        return found
      })
      return this.#place(spec, Buffer.from(bytes))
    })
  }

  exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      if (ref.custody !== 'sealed' || !ref.exportable) throw notAllowed()
      this.#requireEncryption(oaep)
      const key = readPublic(recipient)
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
      if (key.asymmetricKeyType !== 'rsa' || bits < 2048 || bits > 4096) throw new TypeError('not such an RSA key')
      const transport = randomBytes(32)
      const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: keys.hashes[oaep] }
      const sealed = keys.keyWrap(transport, this.#open(ref))
      return new Uint8Array(Buffer.concat([publicEncrypt(options, transport), sealed]))
    })
  }

  newestRootKey(op: Op): Promise<number> {
    return this.#run(op, () => this.#token.roots.length)
  }

  createRootKey(op: Op): Promise<number> {
    return this.#run(op, () => this.#token.addRoot())
  }

  rootKeyBackup(op: Op): Promise<RootKeyBackup> {
    return this.#run(op, () => {
      const { recipient, roots, copies } = this.#token
      const names = roots.flatMap((_, index) => [`kek/${index + 1}`, `export-kek/${index + 1}`])
      const here = new Set(copies.map(({ purpose, number }) => `${purpose}/${number}`))
      return { recipient, keys: [...copies], missing: names.filter(name => !here.has(name)) }
    })
  }

  rewrap(ref: SealedRef, op: Op): Promise<SealedRef> {
    return this.#run(op, () => this.#seal(ref, this.#open(ref)))
  }

  /** It keeps nothing. */
  forget(_: SealedRef, op: Op): Promise<void> {
    return this.#run(op, () => undefined)
  }

  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      if (secret.length !== 32) throw new TypeError('the store secret must be 32 bytes')
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', this.#token.storeKey, iv)
      return new Uint8Array(Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]))
    })
  }

  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#run(op, () => {
      try {
        if (sealed.length !== 60) throw new Error('not as long')
        const decipher = createDecipheriv('aes-256-gcm', this.#token.storeKey, sealed.subarray(0, 12))
        decipher.setAuthTag(sealed.subarray(-16))
        return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]))
      } catch (error) {
        throw new WarderError('hsm-failed', 'not made by this token', { cause: error })
      }
    })
  }

  destroy(ref: ResidentRef, op: Op): Promise<void> {
    return this.#run(op, () => {
      this.#token.residents.delete(ref.id)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#turns.drained()
  }

  async #run<T>(op: Op, fn: () => T): Promise<T> {
    if (this.#closed) throw new WarderError('hsm-unavailable', 'closed')
    if (op.signal.aborted) throw cancelled(op.signal)
    return this.#turns.run(op.signal, fn)
  }

  #requireMakes({ algorithm, usage, custody, exportable, id }: KeySpec): void {
    if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError('the id must be 32 lower-case hexadecimal digits')
    const fits = usage === 'import' ? algorithm === 'RSA-4096' && custody === 'sealed' : forUsage(algorithm, usage)
    if (!fits) throw notAllowed()
    if (exportable && custody === 'resident') throw new TypeError('only sealed keys can be exportable')
    if (!this.#claims.makes(custody, algorithm, usage)) throw unsupported(algorithm)
    if (custody === 'resident' && this.#token.residents.has(id))
      throw new WarderError('key-exists', 'such an id is there')
  }

  #requireEncryption(algorithm: EncryptionAlgorithm): void {
    if (!this.#claims.opens(algorithm)) throw unsupported(algorithm)
  }

  #requireUsable(ref: KeyRef, usage: KeyPurpose): void {
    if (this.#claims.custodies(ref.algorithm, usage).length === 0) throw unsupported(ref.algorithm)
  }

  #place(spec: KeySpec, bytes: Buffer): GeneratedKey {
    const { algorithm, usage, custody, exportable, id } = spec
    const half = keys.publicHalf(algorithm, usage, bytes)
    if (custody === 'sealed') {
      const ref = { custody, algorithm, usage, exportable, rootKey: 0, blob: new Uint8Array() } as const
      return { ref: this.#seal(ref, bytes), ...half }
    }
    this.#token.residents.set(id, { algorithm, usage, bytes })
    return { ref: { custody, algorithm, usage, id }, ...half }
  }

  #seal(ref: SealedRef, bytes: Buffer): SealedRef {
    const rootKey = this.#token.roots.length
    const root = this.#token.root(rootKey)
    if (root === undefined) throw new WarderError('not-initialised', 'no root key')
    return { ...ref, rootKey, blob: keys.keyWrap(ref.exportable ? root.exportKek : root.kek, bytes) }
  }

  #open(ref: SealedRef): Buffer {
    const root = this.#token.root(ref.rootKey)
    try {
      if (root === undefined) throw new Error('no such root key')
      const bytes = keys.keyUnwrap(ref.exportable ? root.exportKek : root.kek, ref.blob)
      if (!keys.isOf(ref.algorithm, bytes)) throw new Error('another algorithm')
      if (!keys.isOnRecord(ref, bytes)) throw new Error('another key')
      return bytes
    } catch (error) {
      throw new WarderError('hsm-failed', 'the sealed key is not accepted', { cause: error })
    }
  }

  #find(ref: KeyRef, usage: KeyPurpose): StoredKey {
    if (ref.custody === 'sealed') return { ...ref, bytes: this.#open(ref) }
    const key = this.#token.residents.get(ref.id)
    if (key === undefined) throw new WarderError('hsm-key-missing', 'no such key', { facts: { id: ref.id } })
    if (key.usage !== usage) throw notAllowed()
    if (key.algorithm !== ref.algorithm) throw new WarderError('algorithm-mismatch', 'another algorithm')
    requireIdentity(ref, key)
    return key
  }

  #secret(ref: KeyRef, usage: KeyPurpose): StoredKey {
    const key = this.#find(ref, usage)
    if (key.algorithm !== 'AES-256') throw new WarderError('algorithm-mismatch', 'not an AES key')
    return key
  }
}

function requireIdentity({ id, identity }: ResidentRef, { algorithm, usage, bytes }: StoredKey): void {
  const { spki, checkValue = spki } = keys.publicHalf(algorithm, usage, bytes)
  if (identity === undefined || Buffer.from(identity).equals(checkValue ?? new Uint8Array())) return
  throw new WarderError('hsm-key-missing', 'another key', { facts: { id } })
}

function forUsage(algorithm: KeySpec['algorithm'], usage: KeyPurpose): boolean {
  return (usagesOf[algorithm] as readonly KeyPurpose[]).includes(usage)
}

function requireUsage(ref: KeyRef, usage: KeyPurpose): void {
  if (ref.usage !== usage) throw notAllowed()
}

function notAllowed(): WarderError {
  return new WarderError('usage-not-allowed', 'the key is not for this')
}

// the reference has no mechanisms: the name of the algorithm stands for one
function unsupported(algorithm: string): WarderError {
  const mechanism = `CKM_${algorithm.toUpperCase().replaceAll('-', '_')}`
  return new WarderError('unsupported-mechanism', `not here: ${mechanism}`, { facts: { mechanism } })
}

/** One answer for everything that may be wrong. */
function uniformly(open: () => Uint8Array): Uint8Array {
  try {
    return new Uint8Array(open())
  } catch (error) {
    throw new WarderError('decryption-failed', 'this cannot be decrypted', { cause: error })
  }
}

function readPublic(spki: Uint8Array): KeyObject {
  try {
    return keys.publicKey(spki)
  } catch (error) {
    throw new WarderError('malformed-request', 'not a public key', { cause: error })
  }
}

function oaepOpen(key: KeyObject, oaep: OaepAlgorithm, ciphertext: Uint8Array): Buffer {
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: keys.hashes[oaep] }, ciphertext)
}
