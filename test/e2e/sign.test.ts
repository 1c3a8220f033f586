import { execFileSync } from 'node:child_process'
import { constants, createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Custody, KeyAlgorithm, SignatureAlgorithm } from '@warder/contract'
import type { KeyView, ListPage } from '@warder/core'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { Reply } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'

interface Signature {
  readonly signature: string
  readonly algorithm: SignatureAlgorithm
  readonly format: 'der' | 'raw'
  readonly version: number
}

interface PublicKey {
  readonly version: number
  readonly algorithm: KeyAlgorithm
  readonly spki: string
  readonly pem: string
}

const keys = '/v1/spaces/default/keys'
const rsa = ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] as const

/** Every EC and RSA key that SoftHSM2 makes, and what each signs with; the first is the default. */
const kinds: readonly (readonly [KeyAlgorithm, readonly Custody[], readonly SignatureAlgorithm[]])[] = [
  ['P-256', ['sealed', 'resident'], ['ES256']],
  ['P-384', ['sealed', 'resident'], ['ES384']],
  ['P-521', ['sealed', 'resident'], ['ES512']],
  ['RSA-2048', ['sealed', 'resident'], ['PS256', ...rsa.filter(each => each !== 'PS256')]],
  ['RSA-3072', ['sealed', 'resident'], rsa],
  ['RSA-4096', ['sealed', 'resident'], rsa],
  ['Ed25519', ['resident'], ['EdDSA']],
]

const every = kinds.flatMap(([algorithm, custodies, signs]) =>
  custodies.map(custody => ({ algorithm, custody, signs, name: `${algorithm.toLowerCase()}-${custody}` })),
)

/** What node:crypto says of a signature over this message. */
function nodeVerifies(pem: string, message: Uint8Array, { signature, algorithm, format }: Signature): boolean {
  const key = createPublicKey(pem)
  const bytes = Buffer.from(signature, 'base64')
  if (algorithm === 'EdDSA') return verify(null, message, key, bytes)
  const hash = `sha${algorithm.slice(2)}`
  switch (algorithm.slice(0, 2)) {
    case 'ES':
      return verify(hash, message, { key, dsaEncoding: format === 'der' ? 'der' : 'ieee-p1363' }, bytes)
    case 'PS': {
      const saltLength = Number(algorithm.slice(2)) / 8
      return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, bytes)
    }
    default:
      return verify(hash, message, key, bytes)
  }
}

describe('signing with an appliance', function () {
  this.timeout(60_000)
  let appliance: Appliance
  const message = randomBytes(1000)
  const input = message.toString('base64')

  const sign = (name: string, body: object = {}): Promise<Signature> =>
    appliance.admin.post(`${keys}/${name}:sign`, { input, ...body })
  const isValid = async (name: string, body: object): Promise<boolean> =>
    (await appliance.admin.post<{ valid: boolean }>(`${keys}/${name}:verify`, { input, ...body })).valid
  const pemOf = async (name: string): Promise<string> =>
    (await appliance.admin.get<PublicKey>(`${keys}/${name}/publicKey`)).pem

  /** The message, and where the algorithm takes one, its digest. */
  function inputsFor(algorithm: SignatureAlgorithm): readonly object[] {
    if (algorithm === 'EdDSA') return [{}]
    const digest = createHash(`sha${algorithm.slice(2)}`)
      .update(message)
      .digest('base64')
    return [{}, { prehashed: true, input: digest }]
  }

  const formatsFor = (algorithm: SignatureAlgorithm): readonly object[] =>
    algorithm.startsWith('ES') ? [{}, { format: 'der' }, { format: 'raw' }] : [{}]

  before(async () => {
    appliance = await startAppliance()
    await Promise.all(
      every.map(async ({ name, algorithm, custody }) => {
        const body = { name, algorithm, custody }
        const reply = await appliance.admin.send<KeyView>({ method: 'POST', path: keys, body })
        expect(reply.status, reply.text).to.equal(201)
        expect(reply.headers['location']).to.equal(`${keys}/${name}`)
        expect(reply.body).to.include({ name, algorithm, custody, space: 'default', primary: 1, generation: 1 })
      }),
    )
  })
  after(() => appliance[Symbol.asyncDispose]())

  for (const { name, algorithm: keyAlgorithm, custody, signs } of every) {
    it(`a ${custody} ${keyAlgorithm} key signs with ${signs.join(', ')}: messages, digests and every form`, async () => {
      const pem = await pemOf(name)
      expect(await sign(name)).to.include({ algorithm: signs[0], version: 1 })
      const bodies = signs.flatMap(algorithm =>
        inputsFor(algorithm).flatMap(each => formatsFor(algorithm).map(format => ({ algorithm, ...each, ...format }))),
      )
      await Promise.all(
        bodies.map(async body => {
          const what = JSON.stringify(body)
          const { algorithm } = body
          const signed = await sign(name, body)
          expect(signed.algorithm, what).to.equal(algorithm)
          expect(nodeVerifies(pem, message, signed), `node:crypto: ${what}`).to.equal(true)
          const { signature } = signed
          const format = algorithm.startsWith('ES') ? { format: signed.format } : {}
          for (const asked of inputsFor(algorithm)) {
            const ask = { algorithm, ...format, ...asked, signature }
            expect(await isValid(name, ask), `verify: ${JSON.stringify(ask)}`).to.equal(true)
            expect(await isValid(name, { ...ask, signature: flipped(signature) }), 'a flipped bit').to.equal(false)
          }
          const other = { algorithm, ...format, signature, input: randomBytes(64).toString('base64') }
          expect(await isValid(name, other), 'another message').to.equal(false)
        }),
      )
    })
  }

  it('a signature of the wrong form or length is invalid, not an error', async () => {
    const { signature } = await sign('p-256-sealed', { format: 'raw' })
    for (const wrong of [
      '',
      'AA==',
      signature,
      randomBytes(72).toString('base64'),
      randomBytes(600).toString('base64'),
    ])
      expect(await isValid('p-256-sealed', { signature: wrong }), wrong).to.equal(false)
    for (const wrong of ['', 'AA==', randomBytes(256).toString('base64'), Buffer.alloc(384, 0xff).toString('base64')])
      for (const algorithm of ['PS256', 'RS256'])
        expect(await isValid('rsa-3072-sealed', { algorithm, signature: wrong }), `${algorithm} ${wrong}`).to.equal(
          false,
        )
  })

  it('base64url without padding means the same bytes', async () => {
    const url = message.toString('base64url')
    const { signature } = await sign('p-384-sealed', { input: url })
    expect(
      await isValid('p-384-sealed', { signature: Buffer.from(signature, 'base64').toString('base64url') }),
    ).to.equal(true)
  })

  it('openssl verifies with the exported public key alone', async () => {
    const at = (file: string): string => join(appliance.work, file)
    writeFileSync(at('message'), message)
    for (const [name, algorithm] of [
      ['p-256-sealed', 'ES256'],
      ['rsa-3072-resident', 'RS256'],
    ] as const) {
      const { signature } = await sign(name, { algorithm })
      writeFileSync(at('signature'), Buffer.from(signature, 'base64'))
      writeFileSync(at('public.pem'), await pemOf(name))
      const args = ['dgst', '-sha256', '-verify', at('public.pem'), '-signature', at('signature'), at('message')]
      expect(execFileSync('openssl', args, { encoding: 'utf8' })).to.equal('Verified OK\n')
    }
  })

  it('the public key is the same as SPKI and PEM, with and without naming the version', async () => {
    const path = `${keys}/p-521-sealed/publicKey`
    const primary = await appliance.admin.get<PublicKey>(path)
    expect(await appliance.admin.get<PublicKey>(`${path}?version=1`)).to.deep.equal(primary)
    expect(primary).to.include({ version: 1, algorithm: 'P-521' })
    expect(createPublicKey(primary.pem).export({ format: 'der', type: 'spki' }).toString('base64')).to.equal(
      primary.spki,
    )
  })

  it('a version the key does not have is refused everywhere', async () => {
    const path = `${keys}/p-256-sealed`
    const { signature } = await sign('p-256-sealed')
    for (const sending of [
      { path: `${path}/publicKey?version=2` },
      { method: 'POST', path: `${path}:sign`, body: { input, version: 2 } },
      { method: 'POST', path: `${path}:verify`, body: { input, signature, version: 2 } },
    ] as const)
      expectProblem(await appliance.admin.send(sending), 404, 'version-not-found')
  })

  it('an algorithm of another kind of key is refused', async () => {
    for (const [name, algorithm] of [
      ['p-256-sealed', 'ES384'],
      ['p-256-sealed', 'RS256'],
      ['rsa-2048-sealed', 'EdDSA'],
    ] as const) {
      const body = { input, algorithm }
      expectProblem(
        await appliance.admin.send({ method: 'POST', path: `${keys}/${name}:sign`, body }),
        400,
        'algorithm-mismatch',
      )
    }
  })

  it('lists every key once, in order, over pages that the Link header leads through', async () => {
    const names: string[] = []
    let pages = 0
    for (let path: string | undefined = `${keys}?limit=5`; path !== undefined; pages++) {
      const { body, headers }: Reply<ListPage<KeyView>> = await appliance.admin.send({ path })
      names.push(...body.items.map(({ name }) => name))
      path = /^<([^>]+)>; rel="next"$/.exec(headers['link']?.toString() ?? '')?.[1]
      expect(path === undefined).to.equal(body.next === undefined)
      if (body.next !== undefined)
        expect(new URL(path ?? '', 'https://x').searchParams.get('after')).to.equal(body.next)
    }
    expect(names).to.deep.equal(every.map(({ name }) => name).toSorted())
    expect(pages).to.equal(3)
  })

  it('a key as listed is the key as described', async () => {
    const { items } = await appliance.admin.get<ListPage<KeyView>>(keys)
    const described = await Promise.all(items.map(({ name }) => appliance.admin.get<KeyView>(`${keys}/${name}`)))
    expect(described).to.deep.equal(items)
    expect(new Set(items.map(({ id }) => id)).size).to.equal(items.length)
  })

  for (const custody of ['resident', 'sealed'] as const)
    it(`a ${custody} key made a moment ago signs on every HSM host at once`, async () => {
      for (const round of [1, 2, 3]) {
        const name = `fresh-${custody}-${round}`
        await appliance.admin.post(keys, { name, algorithm: 'P-256', custody })
        const signed = await Promise.all(Array.from({ length: 48 }, () => sign(name)))
        const pem = await pemOf(name)
        expect(signed.every(each => nodeVerifies(pem, message, each))).to.equal(true)
        // ECDSA is randomised: a signature seen twice would be an answer to another's call.
        expect(new Set(signed.map(({ signature }) => signature)).size).to.equal(48)
      }
    })

  it('after a restart every key is there and signs as before', async () => {
    const before = await appliance.admin.get<ListPage<KeyView>>(keys)
    const names = every.map(({ name }) => name)
    const pems = await Promise.all(names.map(pemOf))
    await appliance.restart()
    expect(await appliance.admin.get<ListPage<KeyView>>(keys)).to.deep.equal(before)
    const signed = await Promise.all(names.map(name => sign(name)))
    for (const [index, name] of names.entries())
      expect(nodeVerifies(pems[index] as string, message, signed[index] as Signature), name).to.equal(true)
  })
})

function flipped(signature: string): string {
  const bytes = Buffer.from(signature, 'base64')
  const last = bytes.length - 1
  bytes[last] = (bytes[last] as number) ^ 1
  return bytes.toString('base64')
}
