import { createCipheriv, createHash, createHmac, createPublicKey, randomBytes, verify } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { expect } from 'chai'
import fc from 'fast-check'
import { algorithmFindings } from '../../src/self-test/algorithms.ts'
import { pinState } from '../../src/self-test/pin-state.ts'
import { judgeSample } from '../../src/self-test/random.ts'
import { proportionCutoff, randomFault, repetitionCutoff, windowSize } from '../../src/self-test/random-health.ts'
import { spaceFinding } from '../../src/self-test/space.ts'
import { ecdsaVector, gcmVector, hmacVectors } from '../../src/self-test/vectors.ts'

describe('the judgements of a self-test', () => {
  it('logs in unless the next refused PIN could be the last', () => {
    const good = pkcs11js.CKF_USER_PIN_INITIALIZED
    const told = (flags: number) => {
      const { mayLogIn, finding } = pinState(flags)
      return [finding.status, mayLogIn]
    }
    expect(told(good)).to.deep.equal(['ok', true])
    expect(told(good | pkcs11js.CKF_USER_PIN_COUNT_LOW)).to.deep.equal(['warning', true])
    const last = pkcs11js.CKF_USER_PIN_COUNT_LOW | pkcs11js.CKF_USER_PIN_FINAL_TRY
    expect(told(good | last)).to.deep.equal(['problem', false])
    expect(told(good | pkcs11js.CKF_USER_PIN_LOCKED)).to.deep.equal(['problem', false])
    expect(told(0)).to.deep.equal(['problem', false])
  })

  it('a token without mechanisms makes nothing', () => {
    const [finding] = algorithmFindings(new Map())
    expect(finding).to.include({ status: 'problem' })
  })

  it('space is low, enough, unknown, or not told', () => {
    const status = (free: number, total: number) => spaceFinding({ free, total }).status
    expect(status(1000, 100_000)).to.equal('warning')
    expect(status(1_000_000, 2_000_000)).to.equal('ok')
    expect(status(0, 100_000)).to.equal('warning')
    expect(status(0, 0)).to.equal('note')
    expect(status(0xffffffff, 0xffffffff)).to.equal('not-checked')
    expect(status(Number(2n ** 64n - 1n), 0)).to.equal('not-checked')
  })

  describe('of random bytes', () => {
    it('have the cutoffs of SP 800-90B for 8 bits of entropy and alpha = 2^-40', () => {
      expect(repetitionCutoff).to.equal(6)
      // the tail of Binomial(512, 1/256), summed by itself
      const tail = (from: number): number => {
        let sum = 0
        for (let k = from; k <= windowSize; k++) {
          let log = k * Math.log(1 / 256) + (windowSize - k) * Math.log(255 / 256)
          for (let i = 0; i < k; i++) log += Math.log(windowSize - i) - Math.log(i + 1)
          sum += Math.exp(log)
        }
        return sum
      }
      expect(tail(proportionCutoff)).to.be.at.most(2 ** -40)
      expect(tail(proportionCutoff - 1)).to.be.greaterThan(2 ** -40)
    })

    it('pass when they are good', () => {
      for (let time = 0; time < 50; time++) expect(randomFault(randomBytes(65_536))).to.equal(undefined)
    })

    it('fail where one comes as often in a row as the cutoff, wherever that is', () => {
      fc.assert(
        fc.property(fc.nat(65_536 - repetitionCutoff), fc.nat(255), (at, byte) => {
          const sample = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251))
          sample.fill(byte, at, at + repetitionCutoff)
          expect(randomFault(sample)).to.include('repetition count')
        }),
        { numRuns: 50 },
      )
    })

    it('fail where the first of a window comes too often in it, though never in a row', () => {
      const sample = randomBytes(windowSize * 4)
      for (let index = 0; index < proportionCutoff * 2; index += 2) sample[windowSize + index] = 0x55
      for (let index = 1; index < proportionCutoff * 2; index += 2) sample[windowSize + index] = index
      expect(randomFault(sample)).to.include('adaptive proportion')
    })

    it('a generator that is stuck is a problem, with what to do', () => {
      const { status, fix } = judgeSample(Buffer.alloc(4096))
      expect([status, fix?.includes('make no keys')]).to.deep.equal(['problem', true])
    })
  })

  it('the vectors are what node:crypto computes too', () => {
    const { key, iv, aad, plaintext, ciphertext } = gcmVector
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad)
    expect(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])).to.deep.equal(ciphertext)
    for (const [name, mac] of Object.entries(hmacVectors.macs))
      expect(
        createHmac(`sha${name.slice(-3)}`, hmacVectors.key)
          .update(hmacVectors.data)
          .digest(),
      ).to.deep.equal(mac)
    const { point, message, signature } = ecdsaVector
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(part => part.toString('base64url'))
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }, format: 'jwk' })
    expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(true)
    expect(createHash('sha256').update(message).digest()).to.have.length(32)
  })
})
