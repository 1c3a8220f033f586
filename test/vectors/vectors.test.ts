import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { KeyAlgorithm, KeyUsage, OaepAlgorithm, SealedRef, SignatureAlgorithm } from '@warder/contract'
import { additionalData, decodeCiphertext, decodeWrapped, encodeWrapped } from '../../core/src/keys/wire.ts'
import { bringKey, unwrapWith, wrapTo } from '../e2e/support/bring-key.ts'
import * as byNode from '../e2e/support/by-node.ts'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'

// The wire forms, as files that another implementation can be held to. Each is checked here twice: by node:crypto alone,
// and by Warder and its HSM with the same keys.

interface Pair {
  readonly pkcs8: string
  readonly spki: string
}

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`./${file}.json`, import.meta.url), 'utf8'))
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const from64 = (text: string): Buffer => Buffer.from(text, 'base64')
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const privateKey = ({ pkcs8 }: Pair): KeyObject =>
  createPrivateKey({ key: from64(pkcs8), format: 'der', type: 'pkcs8' })
const publicKey = ({ spki }: Pair): KeyObject => createPublicKey({ key: from64(spki), format: 'der', type: 'spki' })

describe('the vectors', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let importer: { readonly under: SealedRef; readonly key: KeyObject }
  const oaep = 'RSA-OAEP'
  const op = { signal: new AbortController().signal }
  const newId = (): string => randomBytes(16).toString('hex')

  before(async () => {
    appliance = await startEngineAppliance()
    const spec = { algorithm: 'RSA-4096', usage: 'import', custody: 'sealed', exportable: false, id: newId() } as const
    const { ref, spki = new Uint8Array() } = await appliance.hsm.generate(spec, op)
    importer = {
      under: ref as SealedRef,
      key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
    }
  })
  after(() => appliance[Symbol.asyncDispose]())

  /** A secret key of a vector, in the HSM. */
  async function inHsm(algorithm: KeyAlgorithm, usage: KeyUsage, key: Buffer): Promise<SealedRef> {
    const spec = { algorithm, usage, custody: 'sealed', exportable: false, id: newId() } as const
    const { under } = importer
    return (await appliance.hsm.importKey({ under, oaep, wrapped: wrapTo(importer.key, oaep, key), spec }, op))
      .ref as SealedRef
  }

  /** A pair of a vector, brought over the API. */
  async function brought(name: string, algorithm: string, usage: string, pair: Pair): Promise<KeysOfSpace> {
    await appliance.admin.post('/v1/spaces', { name })
    await bringKey(appliance.admin, { space: name, name: 'key', algorithm, usage, material: privateKey(pair) })
    return new KeysOfSpace(appliance.admin, name)
  }

  const { vectors: ciphertexts } = read('aes-gcm') as {
    readonly vectors: readonly Readonly<
      Record<'key' | 'space' | 'keyId' | 'aad' | 'additionalData' | 'iv' | 'plaintext' | 'ciphertext', string> & {
        version: number
      }
    >[]
  }

  for (const vector of ciphertexts)
    it(`of an AES ciphertext of version ${vector.version} in the space ${vector.space}`, async () => {
      const { space, keyId: id, version } = vector
      const [key, aad, bytes] = [hex(vector.key), hex(vector.aad), from64(vector.ciphertext)]
      expect(byNode.nodeDecrypts(key, { space, id, version }, bytes, aad).toString('hex')).to.equal(vector.plaintext)
      const bound = additionalData(space, id, version, aad)
      expect(Buffer.from(bound).toString('hex')).to.equal(vector.additionalData)
      const { version: named, ...sealed } = decodeCiphertext(bytes)
      expect(named).to.equal(version)
      expect(Buffer.from(sealed.iv).toString('hex')).to.equal(vector.iv)
      const ref = await inHsm('AES-256', 'encrypt', key)
      const opened = await appliance.hsm.decrypt(ref, { algorithm: 'A256GCM', ...sealed, aad: bound }, op)
      expect(Buffer.from(opened).toString('hex')).to.equal(vector.plaintext)
    })

  const { vectors: wrappings } = read('wrap') as {
    readonly vectors: readonly Readonly<Record<'key' | 'bytes' | 'wrapped', string> & { version: number }>[]
  }

  for (const { key, version, bytes, wrapped } of wrappings)
    it(`of a wrapping of ${bytes.length / 2} bytes, which is the same each time`, async () => {
      expect(byNode.nodeUnwraps(hex(key), version, from64(wrapped)).toString('hex')).to.equal(bytes)
      expect(b64(byNode.nodeWraps(hex(key), version, hex(bytes)))).to.equal(wrapped)
      const ref = await inHsm('AES-256', 'wrap', hex(key))
      const decoded = decodeWrapped(from64(wrapped))
      expect(decoded.version).to.equal(version)
      const opened = await appliance.hsm.unwrap(ref, decoded.blob, op)
      expect(Buffer.from(opened).toString('hex')).to.equal(bytes)
      expect(b64(encodeWrapped(version, await appliance.hsm.wrap(ref, hex(bytes), op)))).to.equal(wrapped)
    })

  const { vectors: macs } = read('hmac') as {
    readonly vectors: readonly Readonly<{ algorithm: KeyAlgorithm } & Record<'key' | 'input' | 'mac', string>>[]
  }

  for (const { algorithm, key, input, mac } of macs)
    it(`of ${algorithm} over ${input.length / 2} bytes`, async () => {
      expect(b64(byNode.nodeMacs(hex(key), algorithm, hex(input)))).to.equal(mac)
      const ref = await inHsm(algorithm, 'mac', hex(key))
      expect(b64(await appliance.hsm.mac(ref, hex(input), op))).to.equal(mac)
    })

  const { vectors: signatures } = read('ecdsa') as {
    readonly vectors: readonly Readonly<
      Pair & { algorithm: SignatureAlgorithm } & Record<'curve' | 'input' | 'digest' | 'der' | 'raw', string>
    >[]
  }

  for (const { algorithm, curve, input, digest, ...vector } of signatures)
    it(`of an ${algorithm} signature, in both forms`, async () => {
      const keys = await brought(algorithm.toLowerCase(), curve, 'sign', vector)
      for (const format of ['der', 'raw'] as const) {
        const signature = from64(vector[format])
        expect(byNode.nodeVerifies(publicKey(vector), algorithm, format, hex(input), signature)).to.equal(true)
        for (const form of [{ input: b64(hex(input)) }, { input: digest, prehashed: true }]) {
          const ask = { ...form, format, signature: vector[format] }
          expect(await keys.act('key', 'verify', ask)).to.deep.equal({ valid: true, algorithm, version: 1 })
        }
        const other = format === 'der' ? 'raw' : 'der'
        const ask = { input: b64(hex(input)), format: other, signature: vector[format] }
        expect(await keys.act('key', 'verify', ask)).to.include({ valid: false })
      }
    })

  it('of OAEP ciphertexts: those that the token opens, and a refusal of the others', async () => {
    const { key, vectors } = read('rsa-oaep') as {
      readonly key: Pair & { readonly algorithm: string }
      readonly vectors: readonly Readonly<{ algorithm: OaepAlgorithm; plaintext: string; ciphertext: string }>[]
    }
    const keys = await brought('oaep', key.algorithm, 'encrypt', key)
    const { encrypt } = await appliance.hsm.capabilities(op)
    for (const { algorithm, plaintext, ciphertext } of vectors) {
      const opened = byNode.nodeDecryptsWith(privateKey(key), algorithm, from64(ciphertext))
      expect(opened.toString('hex'), algorithm).to.equal(plaintext)
      const reply = await keys.sendAct('key', 'decrypt', { ciphertext, algorithm })
      if (encrypt.includes(algorithm)) expect(reply.body).to.deep.equal({ plaintext: b64(hex(plaintext)), version: 1 })
      else expect(reply.body).to.include({ status: 422, code: 'unsupported-mechanism' })
    }
    expect(encrypt).to.include(oaep)
  })

  it('of keys that are moved; and what is exported to their recipient has the same form', async () => {
    const { recipient, vectors } = read('transfer') as {
      readonly recipient: Pair
      readonly vectors: readonly Readonly<{
        algorithm: string
        oaep: OaepAlgorithm
        material: string
        wrapped: string
      }>[]
    }
    for (const vector of vectors)
      expect(unwrapWith(privateKey(recipient), vector.oaep, from64(vector.wrapped)).toString('hex')).to.equal(
        vector.material,
      )

    const [{ algorithm, material, wrapped: expected }] = vectors as [(typeof vectors)[number]]
    await appliance.admin.post('/v1/spaces', { name: 'moved' })
    const bringing = { space: 'moved', name: 'key', algorithm, material: hex(material), exportable: true }
    await bringKey(appliance.admin, bringing)
    const keys = new KeysOfSpace(appliance.admin, 'moved')
    const { wrapped } = await keys.act<{ wrapped: string }>('key', 'export', { recipient: recipient.spki, oaep })
    expect(from64(wrapped)).to.have.length(from64(expected).length)
    expect(unwrapWith(privateKey(recipient), oaep, from64(wrapped)).toString('hex')).to.equal(material)
  })
})
