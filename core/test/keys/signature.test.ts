import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { type KeyAlgorithm, type SignatureAlgorithm, WarderError } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import { keyAlgorithm } from '../../src/keys/material.ts'
import { derFromRaw, schemes, signatureAlgorithm, signatureFormat, signingInput } from '../../src/keys/signature.ts'
import { signatureIsValid } from '../../src/keys/verify-signature.ts'

const curves = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const
const algorithms = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (WarderError.is(error)) return error.code
    throw error
  }
  return 'ok'
}

describe('ECDSA signatures in DER', () => {
  for (const [key, namedCurve] of Object.entries(curves)) {
    it(`equal what OpenSSL makes of the same r and s on ${key}`, () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
      const { hash } = schemes[algorithms[key as keyof typeof curves]]
      for (let n = 0; n < 50; n++) {
        const raw = sign(hash, Buffer.from(`${n}`), { key: privateKey, dsaEncoding: 'ieee-p1363' })
        const spki = publicKey.export({ format: 'der', type: 'spki' })
        const verification = {
          spki,
          key: key as KeyAlgorithm,
          algorithm: algorithms[key as keyof typeof curves],
          input: Buffer.from(`${n}`),
          prehashed: false,
        }
        expect(signatureIsValid({ ...verification, format: 'der', signature: derFromRaw(raw) })).to.equal(true)
      }
    })
  }

  it('write each integer in its shortest form', () => {
    const half = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(half, half, fc.nat(31), (r, s, zeros) => {
        r.fill(0, 0, zeros)
        const der = Buffer.from(derFromRaw(Buffer.concat([r, s])))
        expect(der[1]).to.equal(der.length - 2)
        const length = der[3] as number
        const digits = der.subarray(4, 4 + length)
        if (length > 1)
          expect(digits[0] === 0 ? (digits[1] as number) >= 0x80 : (digits[0] as number) < 0x80).to.equal(true)
        expect(BigInt(`0x${digits.toString('hex')}`)).to.equal(BigInt(`0x${Buffer.from(r).toString('hex')}`))
      }),
    )
  })
})

describe('verifying', () => {
  const ec = (key: keyof typeof curves) => generateKeyPairSync('ec', { namedCurve: curves[key] })
  const pairs: Record<
    string,
    { publicKey: import('node:crypto').KeyObject; privateKey: import('node:crypto').KeyObject }
  > = {
    'P-256': ec('P-256'),
    'P-384': ec('P-384'),
    'P-521': ec('P-521'),
    'RSA-2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
    Ed25519: generateKeyPairSync('ed25519'),
  }
  const cases: [KeyAlgorithm, SignatureAlgorithm][] = [
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
    ['RSA-2048', 'PS256'],
    ['RSA-2048', 'PS384'],
    ['RSA-2048', 'PS512'],
    ['RSA-2048', 'RS256'],
    ['RSA-2048', 'RS384'],
    ['RSA-2048', 'RS512'],
    ['Ed25519', 'EdDSA'],
  ]
  for (const [key, algorithm] of cases) {
    it(`${algorithm} agrees with node:crypto on messages and digests, and finds every changed byte`, () => {
      const { publicKey, privateKey } = pairs[key] as (typeof pairs)[string]
      const { family, hash } = schemes[algorithm]
      const message = Buffer.from('a message')
      const options = family === 'pss' ? { key: privateKey, padding: 6, saltLength: -1 } : privateKey
      const signature = sign(hash ?? null, message, options)
      const spki = publicKey.export({ format: 'der', type: 'spki' })
      const inputs = [{ input: message as Uint8Array, prehashed: false }]
      if (hash !== undefined) inputs.push({ input: createHash(hash).update(message).digest(), prehashed: true })
      for (const each of inputs) {
        const verification = { spki, key, algorithm, format: family === 'ecdsa' ? 'der' : 'raw', ...each } as const
        expect(signatureIsValid({ ...verification, signature })).to.equal(true)
        for (let at = 0; at < signature.length; at += 7) {
          const changed = Buffer.from(signature)
          changed[at] = (changed[at] as number) ^ 4
          expect(signatureIsValid({ ...verification, signature: changed }), `byte ${at}`).to.equal(false)
        }
        for (const malformed of [
          Buffer.alloc(0),
          signature.subarray(1),
          Buffer.concat([signature, Buffer.alloc(1)]),
          Buffer.alloc(signature.length),
        ]) {
          expect(signatureIsValid({ ...verification, signature: malformed })).to.equal(false)
        }
      }
    })
  }

  it('refuses an RSA signature without its leading zero', () => {
    const { publicKey, privateKey } = pairs['RSA-2048'] as (typeof pairs)[string]
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    for (const algorithm of ['PS256', 'RS256'] as const) {
      const options = algorithm === 'PS256' ? { key: privateKey, padding: 6, saltLength: -1 } : privateKey
      for (let n = 0, found = false; !found; n++) {
        const message = Buffer.from(`${n}`)
        const signature = sign('sha256', message, options)
        found = signature[0] === 0
        if (!found) continue
        const digest = createHash('sha256').update(message).digest()
        for (const [input, prehashed] of [[message, false] as const, [digest, true] as const]) {
          const verification = { spki, key: 'RSA-2048', algorithm, format: undefined, input, prehashed } as const
          expect(signatureIsValid({ ...verification, signature })).to.equal(true)
          expect(signatureIsValid({ ...verification, signature: signature.subarray(1) })).to.equal(false)
        }
      }
    }
  })

  it('accepts high s, as ECDSA does', () => {
    const { publicKey, privateKey } = pairs['P-256'] as (typeof pairs)[string]
    const digest = createHash('sha256').update('m').digest()
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const raw = sign('sha256', Buffer.from('m'), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const other = (order - BigInt(`0x${raw.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
    const twin = Buffer.concat([raw.subarray(0, 32), Buffer.from(other, 'hex')])
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    for (const signature of [raw, twin]) {
      expect(
        signatureIsValid({
          spki,
          key: 'P-256',
          algorithm: 'ES256',
          format: 'raw',
          input: digest,
          prehashed: true,
          signature,
        }),
      ).to.equal(true)
    }
  })
})

describe('choosing an algorithm', () => {
  it('tells an unknown one from one that does not fit the key', () => {
    expect(signatureAlgorithm('P-256', undefined)).to.equal('ES256')
    expect(codeOf(() => signatureAlgorithm('P-256', 'ES257'))).to.equal('unknown-algorithm')
    expect(codeOf(() => signatureAlgorithm('P-256', '__proto__'))).to.equal('unknown-algorithm')
    expect(codeOf(() => signatureAlgorithm('P-256', 'PS256'))).to.equal('algorithm-mismatch')
    expect(codeOf(() => keyAlgorithm('P-255'))).to.equal('unknown-algorithm')
    expect(codeOf(() => keyAlgorithm('constructor'))).to.equal('unknown-algorithm')
  })

  it('refuses a digest of the wrong length, a hashed EdDSA input and a format for RSA', () => {
    expect(codeOf(() => signingInput('ES256', { input: Buffer.alloc(31), prehashed: true }))).to.equal(
      'malformed-request',
    )
    expect(codeOf(() => signingInput('EdDSA', { input: Buffer.alloc(32), prehashed: true }))).to.equal(
      'malformed-request',
    )
    expect(codeOf(() => signatureFormat('PS256', 'der'))).to.equal('malformed-request')
    expect(signingInput('ES384', { input: Buffer.alloc(0) })).to.have.length(48)
  })
})
