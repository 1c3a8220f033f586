import { maxSignAll, type SignatureAlgorithm } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import { signInRuns, type SignRun, type Wanted } from '../../src/keys/sign-batch.ts'

const wanted = (version: number, algorithm: SignatureAlgorithm, digest: Uint8Array): Wanted => ({
  version,
  algorithm,
  digest,
})
const signatureOf = (run: SignRun, digest: Uint8Array): Uint8Array =>
  Buffer.from(`${run.version}/${run.algorithm}/${Buffer.from(digest).toString('hex')}`)

/** Signs as the text of what was asked, and keeps the runs it was asked for. */
function signer(fails: (run: SignRun) => boolean = () => false): {
  runs: SignRun[]
  sign: (run: SignRun) => Promise<readonly Uint8Array[]>
} {
  const runs: SignRun[] = []
  return {
    runs,
    async sign(run) {
      runs.push(run)
      if (fails(run)) throw new Error('the token failed')
      return run.digests.map(digest => signatureOf(run, digest))
    },
  }
}
const textOf = (_: Wanted, raw: Uint8Array): string => Buffer.from(raw).toString()

describe('a batch of signatures', () => {
  const items = fc.array(
    fc.record({
      version: fc.constantFrom(1, 2),
      algorithm: fc.constantFrom<SignatureAlgorithm>('ES256', 'EdDSA'),
      digest: fc.uint8Array({ maxLength: 8 }),
      isWrong: fc.boolean(),
    }),
    { maxLength: 80 },
  )

  it('answers each item in its place, with its own version and algorithm, and only what was wrong with an error', async () => {
    await fc.assert(
      fc.asyncProperty(items, async asked => {
        const { runs, sign } = signer()
        const plan = (item: (typeof asked)[number]): Wanted => {
          if (item.isWrong) throw new Error('this item cannot be signed')
          return item
        }
        const results = await signInRuns(asked, plan, sign, textOf)
        expect(results).to.have.length(asked.length)
        for (const [index, { version, algorithm, digest, isWrong }] of asked.entries()) {
          const result = results[index]
          if (isWrong) expect(result).to.have.property('error')
          else expect(result).to.deep.equal({ ok: `${version}/${algorithm}/${Buffer.from(digest).toString('hex')}` })
        }
        for (const { digests } of runs) expect(digests.length).to.be.within(1, maxSignAll)
      }),
    )
  })

  it('asks the HSM no more often than it has to', async () => {
    const { runs, sign } = signer()
    const hundred = Array.from({ length: 100 }, (_, index) => wanted(1, 'ES256', Buffer.alloc(32, index)))
    await signInRuns(hundred, item => item, sign, textOf)
    expect(runs).to.have.length(Math.ceil(100 / maxSignAll))
  })

  it('never asks for more than a fraction of what one call can carry', async () => {
    const { runs, sign } = signer()
    const long = Array.from({ length: 5 }, () => wanted(1, 'EdDSA', Buffer.alloc(65_536)))
    await signInRuns(
      long,
      item => item,
      sign,
      () => 'signed',
    )
    for (const { digests } of runs) expect(digests.reduce((sum, { length }) => sum + length, 0)).to.be.at.most(131_072)
  })

  it('fails with the items of a failed call alone, and asks for none of them again', async () => {
    const { runs, sign } = signer(run => run.version === 2)
    const mixed = [1, 2, 1, 2].map(version => wanted(version, 'ES256', Buffer.alloc(32)))
    const results = await signInRuns(
      mixed,
      item => item,
      sign,
      () => 'signed',
    )
    expect(results.map(result => 'ok' in result)).to.deep.equal([true, false, true, false])
    expect(runs.map(({ version }) => version)).to.deep.equal([1, 2])
  })

  it('gives no item of a call a signature when the HSM made too few', async () => {
    const short = async ({ digests }: SignRun): Promise<readonly Uint8Array[]> => digests.slice(1)
    const results = await signInRuns(
      [1, 2].map(() => wanted(1, 'ES256', Buffer.alloc(32))),
      item => item,
      short,
      textOf,
    )
    expect(results.every(result => 'error' in result)).to.equal(true)
  })
})
