import { execFileSync } from 'node:child_process'
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { KeyView } from '@warder/core'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { bringKey, bytesOf, isPair, type Material, unwrapWith } from './support/bring-key.ts'
import {
  nodeDecrypts,
  nodeDecryptsWith,
  nodeEncrypts,
  nodeEncryptsTo,
  nodeMacs,
  nodeSigns,
  nodeUnwraps,
  nodeVerifies,
  nodeWraps,
} from './support/by-node.ts'
import { inLanes } from './support/in-lanes.ts'
import { type Kind, kinds, nameOf, newMaterial, signatureAlgorithmsOf } from './support/key-table.ts'
import { KeysOfSpace } from './support/keys-of-space.ts'

const isPairKind = ({ algorithm }: Kind): boolean => !/^(?:AES|HMAC)/.test(algorithm)
const secretKinds = kinds.filter(kind => !isPairKind(kind))
/** An import takes an RSA-4096 key of the HSM each, so these stand for all. */
const broughtPairs = kinds.filter(kind =>
  ['p-256-sign-resident', 'p-384-sign-sealed', 'rsa-2048-sign-resident', 'rsa-2048-encrypt-sealed'].includes(
    nameOf(kind),
  ),
)

const seed = 20_260_101
const runs = 12
const most = 65_536

/** A key of Warder's and, where somebody else has it too, what it is made of. */
interface Subject {
  readonly kind: Kind
  readonly keys: KeysOfSpace
  readonly key: KeyView
  readonly material?: Material
}

/** What SoftHSM2 opens; others have more. */
const oaep = 'RSA-OAEP'
const oaepOverhead = 42

/** Bytes of any length; now and then none, one, or as many as there may be. */
const bytesUpTo = (limit: number, least = 0): fc.Arbitrary<Buffer> =>
  fc
    .oneof(
      { weight: 3, arbitrary: fc.integer({ min: least, max: limit }) },
      { weight: 1, arbitrary: fc.constantFrom(least, least + 1, 15, 16, 17, limit - 1, limit) },
    )
    .map(length => randomBytes(Math.min(length, limit)))
const messages = bytesUpTo(most)
const formats = fc.constantFrom('der' as const, 'raw' as const)

const holds = <Values extends [unknown, ...unknown[]]>(
  property: fc.IAsyncPropertyWithHooks<Values>,
  numRuns = runs,
): Promise<void> => fc.assert(property, { seed, numRuns, endOnFailure: true })

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const from64 = (text: string): Buffer => Buffer.from(text, 'base64')

describe('what Warder makes, node:crypto and openssl take, and the reverse', function () {
  this.timeout(120_000)
  let appliance: Appliance
  /** By the name of their kind. Sealed pairs were made exportable and taken out, so that their material is known too. */
  const made = new Map<string, Subject>()
  /** Secret keys whose bytes are known: a sealed one was made here and taken out, a resident one was brought. */
  const shared = new Map<string, Subject>()
  /** Pairs that were brought here. */
  const brought = new Map<string, Subject>()
  const recipient = generateKeyPairSync('rsa', { modulusLength: 2048 })

  async function make(kind: Kind, name: string, exportable: boolean): Promise<Subject> {
    const keys = new KeysOfSpace(appliance.admin)
    const { algorithm, usage, custody } = kind
    const key = await keys.create({ name, algorithm, usage, custody, exportable })
    const subject = { kind, keys, key }
    return exportable ? { ...subject, material: await takeOut(subject) } : subject
  }

  async function bring(kind: Kind): Promise<Subject> {
    const { algorithm, usage, custody } = kind
    // a space of its own: each has one import key at a time
    const space = `brought-${nameOf(kind)}`
    await appliance.admin.post('/v1/spaces', { name: space })
    const material = newMaterial(algorithm)
    const bringing = { space, name: 'mine', algorithm, usage, custody, exportable: custody === 'sealed', material }
    return {
      kind,
      keys: new KeysOfSpace(appliance.admin, space),
      key: await bringKey(appliance.admin, bringing),
      material,
    }
  }

  async function takeOut(subject: Subject): Promise<Material> {
    const body = { recipient: b64(recipient.publicKey.export({ type: 'spki', format: 'der' })) }
    const { wrapped } = await ask<{ wrapped: string }>(subject, 'export', body)
    const out = unwrapWith(recipient.privateKey, oaep, from64(wrapped))
    return isPairKind(subject.kind) ? createPrivateKey({ key: out, format: 'der', type: 'pkcs8' }) : out
  }

  before(async () => {
    appliance = await startAppliance()
    await inLanes(4, [...kinds, ...secretKinds, ...broughtPairs], async (kind, index) => {
      const name = nameOf(kind)
      const isSealed = kind.custody === 'sealed'
      if (index < kinds.length) made.set(name, await make(kind, name, isSealed && isPairKind(kind)))
      else if (isPairKind(kind)) brought.set(name, await bring(kind))
      else shared.set(name, isSealed ? await make(kind, `${name}-shared`, true) : await bring(kind))
    })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const madeAs = (kind: Kind): Subject => made.get(nameOf(kind)) as Subject
  const sharedAs = (kind: Kind): Subject & { readonly material: Buffer } =>
    shared.get(nameOf(kind)) as Subject & { readonly material: Buffer }
  const ofUsage = (usage: Kind['usage'], from: readonly Kind[] = kinds): readonly Kind[] =>
    from.filter(kind => kind.usage === usage)

  async function publicKeyOf({ keys, key }: Subject): Promise<KeyObject> {
    const { pem } = await appliance.admin.get<{ pem: string }>(`${keys.path}/${key.name}/publicKey`)
    return createPublicKey(pem)
  }

  const ask = <Answer>({ keys, key }: Subject, action: string, body: object): Promise<Answer> =>
    keys.act<Answer>(key.name, action, body)

  async function signsAndVerifies(subject: Subject): Promise<void> {
    const publicKey = await publicKeyOf(subject)
    const algorithms = fc.constantFrom(...signatureAlgorithmsOf(subject.kind.algorithm))
    await holds(
      fc.asyncProperty(messages, algorithms, formats, async (message, algorithm, format) => {
        const form = { input: b64(message), algorithm, ...(algorithm.startsWith('ES') && { format }) }
        const { signature } = await ask<{ signature: string }>(subject, 'sign', form)
        expect(nodeVerifies(publicKey, algorithm, format, message, from64(signature))).to.equal(true)
        const { material } = subject
        const other = isKey(material) ? nodeSigns(material, algorithm, format, message) : from64(signature)
        const isValid = async (bytes: Uint8Array): Promise<boolean> =>
          (await ask<{ valid: boolean }>(subject, 'verify', { ...form, signature: b64(bytes) })).valid
        expect(await isValid(other)).to.equal(true)
        expect(await isValid(flipped(other))).to.equal(false)
      }),
    )
  }

  for (const kind of ofUsage('sign')) {
    it(`signatures of ${nameOf(kind)}, made here`, () => signsAndVerifies(madeAs(kind)))
    if (broughtPairs.includes(kind))
      it(`signatures of ${nameOf(kind)}, brought here`, () => signsAndVerifies(brought.get(nameOf(kind)) as Subject))
  }

  for (const kind of ofUsage('encrypt').filter(({ algorithm }) => algorithm === 'AES-256')) {
    it(`ciphertexts of ${nameOf(kind)}: both ways, with and without additional data`, async () => {
      const subject = sharedAs(kind)
      const key = subject.material
      const place = { space: subject.keys.space, id: subject.key.id, version: 1 }
      await holds(
        fc.asyncProperty(messages, fc.option(bytesUpTo(most)), async (plaintext, aad) => {
          const bound = aad ?? Buffer.alloc(0)
          const form = aad === null ? {} : { aad: b64(aad) }
          const encrypt = { plaintext: b64(plaintext), ...form }
          const { ciphertext } = await ask<{ ciphertext: string }>(subject, 'encrypt', encrypt)
          expect(nodeDecrypts(key, place, from64(ciphertext), bound).equals(plaintext)).to.equal(true)
          const theirs = b64(nodeEncrypts(key, place, plaintext, bound))
          const decrypt = { ciphertext: theirs, ...form }
          expect(await ask(subject, 'decrypt', decrypt)).to.deep.equal({ plaintext: b64(plaintext), version: 1 })
          const wrong = await subject.keys.sendAct(subject.key.name, 'decrypt', {
            ...decrypt,
            ciphertext: b64(flipped(from64(theirs))),
          })
          expect({ status: wrong.status, code: wrong.body.code }).to.deep.equal({
            status: 422,
            code: 'decryption-failed',
          })
        }),
      )
    })

    it(`data keys of ${nameOf(kind)}: the ciphertext opens to the plaintext`, async () => {
      const subject = sharedAs(kind)
      const place = { space: subject.keys.space, id: subject.key.id, version: 1 }
      for (const length of [16, 24, 32, 48, 64]) {
        const aad = randomBytes(length)
        const body = { length, aad: b64(aad) }
        const dataKey = await ask<{ plaintext: string; ciphertext: string }>(subject, 'generateDataKey', body)
        expect(from64(dataKey.plaintext)).to.have.lengthOf(length)
        expect(b64(nodeDecrypts(subject.material, place, from64(dataKey.ciphertext), aad))).to.equal(dataKey.plaintext)
      }
    })

    it(`ciphertexts of ${nameOf(kind)}, made here, open here`, async () => {
      const subject = madeAs(kind)
      await holds(
        fc.asyncProperty(messages, bytesUpTo(100), async (plaintext, aad) => {
          const form = { aad: b64(aad) }
          const encrypt = { plaintext: b64(plaintext), ...form }
          const { ciphertext } = await ask<{ ciphertext: string }>(subject, 'encrypt', encrypt)
          const opened = await ask<{ plaintext: string }>(subject, 'decrypt', { ciphertext, ...form })
          expect(opened.plaintext).to.equal(b64(plaintext))
        }),
      )
    })
  }

  for (const kind of ofUsage('encrypt').filter(({ algorithm }) => algorithm !== 'AES-256')) {
    const longest = Number(kind.algorithm.slice(4)) / 8 - oaepOverhead

    it(`OAEP ciphertexts for ${nameOf(kind)}`, async () => {
      const subjects = [made, brought].flatMap(from => from.get(nameOf(kind)) ?? [])
      for (const subject of subjects) {
        const publicKey = await publicKeyOf(subject)
        await holds(
          fc.asyncProperty(bytesUpTo(longest), async plaintext => {
            const theirs = { ciphertext: b64(nodeEncryptsTo(publicKey, oaep, plaintext)) }
            expect(await ask(subject, 'decrypt', theirs)).to.deep.equal({ plaintext: b64(plaintext), version: 1 })
            const { ciphertext } = await ask<{ ciphertext: string }>(subject, 'encrypt', { plaintext: b64(plaintext) })
            const opened = isKey(subject.material)
              ? b64(nodeDecryptsWith(subject.material, oaep, from64(ciphertext)))
              : (await ask<{ plaintext: string }>(subject, 'decrypt', { ciphertext })).plaintext
            expect(opened).to.equal(b64(plaintext))
          }),
        )
      }
    })
  }

  for (const kind of ofUsage('mac'))
    it(`MACs of ${nameOf(kind)}: the same, and checked both ways`, async () => {
      const subject = sharedAs(kind)
      const key = subject.material
      await holds(
        fc.asyncProperty(messages, async input => {
          const expected = b64(nodeMacs(key, kind.algorithm, input))
          expect(await ask(subject, 'mac', { input: b64(input) })).to.deep.equal({ mac: expected, version: 1 })
          const check = { input: b64(input), mac: expected }
          expect(await ask(subject, 'verifyMac', check)).to.deep.equal({ valid: true, version: 1 })
          const wrong = { ...check, mac: b64(flipped(from64(expected))) }
          expect(await ask(subject, 'verifyMac', wrong)).to.deep.equal({ valid: false, version: 1 })
          // a key that was made here has other bytes, and agrees with itself
          const { mac } = await ask<{ mac: string }>(madeAs(kind), 'mac', { input: b64(input) })
          expect(mac).to.not.equal(expected)
          expect(await ask(madeAs(kind), 'verifyMac', { input: b64(input), mac })).to.include({ valid: true })
        }),
      )
    })

  for (const kind of ofUsage('wrap'))
    it(`wrappings of ${nameOf(kind)}: both ways`, async () => {
      const subject = sharedAs(kind)
      const key = subject.material
      await holds(
        fc.asyncProperty(bytesUpTo(4096, 1), async bytes => {
          const { wrapped } = await ask<{ wrapped: string }>(subject, 'wrap', { bytes: b64(bytes) })
          expect(nodeUnwraps(key, 1, from64(wrapped)).equals(bytes)).to.equal(true)
          const theirs = { wrapped: b64(nodeWraps(key, 1, bytes)) }
          expect(await ask(subject, 'unwrap', theirs)).to.deep.equal({ bytes: b64(bytes), version: 1 })
          const own = await ask<{ wrapped: string }>(madeAs(kind), 'wrap', { bytes: b64(bytes) })
          expect(await ask(madeAs(kind), 'unwrap', { wrapped: own.wrapped })).to.include({ bytes: b64(bytes) })
        }),
      )
    })

  for (const kind of ofUsage('derive'))
    it(`secrets agreed on with ${nameOf(kind)}: the other side has the same`, async () => {
      const subject = madeAs(kind)
      const publicKey = await publicKeyOf(subject)
      for (let run = 0; run < runs; run++) {
        const peer = generateKeyPairSync('ec', { namedCurve: kind.algorithm })
        const body = { peer: b64(peer.publicKey.export({ type: 'spki', format: 'der' })) }
        const secret = diffieHellman({ privateKey: peer.privateKey, publicKey })
        expect(await ask(subject, 'derive', body)).to.deep.equal({ sharedSecret: b64(secret), version: 1 })
      }
    })

  it('a brought key that is exportable comes out as it came in', async () => {
    const sealed = [...brought.values()].filter(({ kind }) => kind.custody === 'sealed')
    expect(sealed).to.have.lengthOf(2)
    for (const subject of sealed) {
      const [out, kept] = [await takeOut(subject), subject.material as Material].map(bytesOf) as [Buffer, Buffer]
      expect(publicOf(out).equals(publicOf(kept)), nameOf(subject.kind)).to.equal(true)
    }
  })

  describe('batches', () => {
    interface Answers {
      readonly items: readonly Readonly<Record<string, unknown>>[]
    }
    const batches = fc.array(bytesUpTo(8192), { minLength: 1, maxLength: 20 })
    const batch = (subject: Subject, action: string, items: readonly object[]): Promise<Answers> =>
      ask<Answers>(subject, action, { items })
    const kindOf = (name: string): Kind => kinds.find(kind => nameOf(kind) === name) as Kind

    it('of RS256 signatures and of MACs are the single ones in their order', async () => {
      for (const [name, action, form] of [
        ['rsa-2048-sign-sealed', 'sign', { algorithm: 'RS256' }],
        ['hmac-sha-512-mac-resident', 'mac', {}],
      ] as const) {
        const subject = madeAs(kindOf(name))
        await holds(
          fc.asyncProperty(batches, async inputs => {
            const items = inputs.map(input => ({ input: b64(input), ...form }))
            const single = await Promise.all(items.map(item => ask(subject, action, item)))
            expect((await batch(subject, action, items)).items).to.deep.equal(single)
          }),
          5,
        )
      }
    })

    it('of signatures verify one by one, and singles in a batch', async () => {
      const subject = madeAs(kindOf('p-256-sign-sealed'))
      const publicKey = await publicKeyOf(subject)
      await holds(
        fc.asyncProperty(batches, async inputs => {
          const signed = await batch(
            subject,
            'sign',
            inputs.map(input => ({ input: b64(input) })),
          )
          const signatures = signed.items.map(({ signature }) => String(signature))
          for (const [index, input] of inputs.entries())
            expect(nodeVerifies(publicKey, 'ES256', 'der', input, from64(signatures[index] as string))).to.equal(true)
          const items = inputs.map((input, index) => ({ input: b64(input), signature: signatures[index] }))
          const { items: checked } = await batch(subject, 'verify', items)
          expect(checked).to.deep.equal(items.map(() => ({ valid: true, algorithm: 'ES256', version: 1 })))
        }),
        5,
      )
    })

    it('of ciphertexts open one by one, and singles in a batch: also the empty plaintext', async () => {
      const subject = sharedAs(kindOf('aes-256-encrypt-sealed'))
      const place = { space: subject.keys.space, id: subject.key.id, version: 1 }
      await holds(
        fc.asyncProperty(batches, async some => {
          const plaintexts = [Buffer.alloc(0), ...some, Buffer.alloc(0)]
          const items = plaintexts.map(plaintext => ({ plaintext: b64(plaintext) }))
          const encrypted = (await batch(subject, 'encrypt', items)).items.map(({ ciphertext }) => String(ciphertext))
          expect(new Set(encrypted).size).to.equal(plaintexts.length)
          for (const [index, ciphertext] of encrypted.entries()) {
            const opened = nodeDecrypts(subject.material, place, from64(ciphertext), Buffer.alloc(0))
            expect(opened.equals(plaintexts[index] as Buffer)).to.equal(true)
          }
          const { items: opened } = await batch(
            subject,
            'decrypt',
            encrypted.map(ciphertext => ({ ciphertext })),
          )
          expect(opened).to.deep.equal(plaintexts.map(plaintext => ({ plaintext: b64(plaintext), version: 1 })))
        }),
        5,
      )
    })
  })

  describe('openssl', () => {
    const at = (file: string): string => join(appliance.work, file)
    const openssl = (...args: readonly string[]): Buffer =>
      execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const subjectOf = (from: Map<string, Subject>, name: string): Subject => from.get(name) as Subject
    const message = randomBytes(3000)

    beforeEach(() => writeFileSync(at('message'), message))

    it('checks PSS and Ed25519 signatures of Warder', async () => {
      for (const [name, algorithm, ...options] of [
        ['rsa-2048-sign-sealed', 'PS256', '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:32'],
        ['ed25519-sign-resident', 'EdDSA'],
      ] as const) {
        const subject = subjectOf(made, name)
        const { signature } = await ask<{ signature: string }>(subject, 'sign', { input: b64(message), algorithm })
        writeFileSync(at('signature'), from64(signature))
        writeFileSync(at('public.pem'), (await publicKeyOf(subject)).export({ type: 'spki', format: 'pem' }))
        const digest = algorithm === 'EdDSA' ? ['-rawin'] : ['-rawin', '-digest', 'sha256']
        const files = ['-pubin', '-inkey', at('public.pem'), '-sigfile', at('signature'), '-in', at('message')]
        expect(openssl('pkeyutl', '-verify', ...files, ...digest, ...options).toString()).to.include('Verified Success')
      }
    })

    it('makes the same HMAC', async () => {
      const subject = subjectOf(shared, 'hmac-sha-256-mac-sealed')
      const key = bytesOf(subject.material as Material).toString('hex')
      const theirs = openssl('dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key}`, '-binary', at('message'))
      expect(await ask(subject, 'mac', { input: b64(message) })).to.include({ mac: b64(theirs) })
    })

    it('encrypts to an RSA key, and wraps under an AES key', async () => {
      const rsa = subjectOf(made, 'rsa-3072-encrypt-resident')
      writeFileSync(at('public.pem'), (await publicKeyOf(rsa)).export({ type: 'spki', format: 'pem' }))
      writeFileSync(at('short'), message.subarray(0, 40))
      const options = ['-pubin', '-inkey', at('public.pem'), '-pkeyopt', 'rsa_padding_mode:oaep', '-in', at('short')]
      const ciphertext = b64(openssl('pkeyutl', '-encrypt', ...options))
      expect(await ask(rsa, 'decrypt', { ciphertext })).to.include({ plaintext: b64(message.subarray(0, 40)) })

      const aes = subjectOf(shared, 'aes-256-wrap-resident')
      const key = bytesOf(aes.material as Material).toString('hex')
      writeFileSync(at('framed'), Buffer.concat([Buffer.from([0, 0, 0, 4]), message.subarray(0, 4)]))
      const wrapped = openssl('enc', '-id-aes256-wrap-pad', '-K', key, '-iv', 'A65959A6', '-in', at('framed'))
      const unwrap = { wrapped: b64(Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), wrapped])) }
      expect(await ask(aes, 'unwrap', unwrap)).to.include({ bytes: b64(message.subarray(0, 4)) })
    })

    it('agrees on the same secret', async () => {
      const subject = subjectOf(made, 'p-384-derive-sealed')
      writeFileSync(at('public.pem'), (await publicKeyOf(subject)).export({ type: 'spki', format: 'pem' }))
      const peer = generateKeyPairSync('ec', { namedCurve: 'P-384' })
      writeFileSync(at('peer.pem'), peer.privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const secret = openssl('pkeyutl', '-derive', '-inkey', at('peer.pem'), '-peerkey', at('public.pem'))
      const body = { peer: b64(peer.publicKey.export({ type: 'spki', format: 'der' })) }
      expect(await ask(subject, 'derive', body)).to.include({ sharedSecret: b64(secret) })
    })
  })
})

/** One bit of the last byte changed. */
function flipped(bytes: Uint8Array): Buffer {
  const other = Buffer.from(bytes)
  const last = other.length - 1
  other[last] = (other[last] as number) ^ 1
  return other
}

const isKey = (material: Material | undefined): material is KeyObject => material !== undefined && isPair(material)

/** Two encodings of one private key may differ: whose it is, the public half tells. */
const publicOf = (pkcs8: Buffer): Buffer =>
  createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    type: 'spki',
    format: 'der',
  })
