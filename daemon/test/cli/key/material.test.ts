import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { readMaterial } from '../../../src/cli/key/material.ts'

const never = () => Promise.reject(new Error('no passphrase was needed'))
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const told = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error as Error).message,
  )

describe('a key to bring', () => {
  const kinds = [
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['RSA-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ] as const
  for (const [algorithm, make] of kinds)
    it(`is seen to be ${algorithm}`, async () => {
      const { privateKey, publicKey } = make()
      const material = await readMaterial(Buffer.from(privateKey.export(pkcs8)), undefined, never)
      expect(material.algorithm).to.equal(algorithm)
      expect(material.spki?.equals(publicKey.export({ type: 'spki', format: 'der' }))).to.equal(true)
      expect(material.bytes.equals(privateKey.export({ type: 'pkcs8', format: 'der' }))).to.equal(true)
    })

  it('is opened with its passphrase, which is zeroed', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = Buffer.from(privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'secret' }))
    const passphrase = new Uint8Array(Buffer.from('secret'))
    expect((await readMaterial(file, undefined, () => Promise.resolve(passphrase))).algorithm).to.equal('P-256')
    expect(passphrase.every(byte => byte === 0)).to.equal(true)
    expect(await told(readMaterial(file, undefined, () => Promise.resolve(Buffer.from('other'))))).to.include(
      'another passphrase',
    )
  })

  it('is the bytes of a secret key when its algorithm is told', async () => {
    const material = await readMaterial(Buffer.alloc(32, 1), 'AES-256', never)
    expect(material).to.deep.equal({ algorithm: 'AES-256', bytes: Buffer.alloc(32, 1), spki: undefined })
    expect(await told(readMaterial(Buffer.alloc(32, 1), undefined, never))).to.include('no private key as PEM')
  })

  it('is not of a kind that is not kept, or another than was said', async () => {
    const odd = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export(pkcs8)
    expect(await told(readMaterial(Buffer.from(odd), undefined, never))).to.include('secp256k1')
    const ed = generateKeyPairSync('ed25519').privateKey.export(pkcs8)
    expect(await told(readMaterial(Buffer.from(ed), 'P-256', never))).to.include('private key of Ed25519, not of P-256')
  })
})
