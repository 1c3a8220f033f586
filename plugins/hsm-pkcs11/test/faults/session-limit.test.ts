import { expect } from 'chai'
import { ckrOf } from '../../src/ckr.ts'
import type { Config } from '../../src/config.ts'
import type { Cryptoki, Handle } from '../../src/cryptoki.ts'
import { findToken } from '../../src/find-token.ts'
import { SessionPool } from '../../src/session-pool.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'
import { withRawToken } from '../raw-token.ts'
import { removeDirectory, temporaryDirectory, thrownBy } from '../support.ts'

describe('a token that gives fewer sessions than it said', () => {
  let directory: string
  let config: Config
  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  after(() => removeDirectory(directory))

  /** SoftHSM, which has no limit, with one; `others` are the sessions that are not ours. */
  class Limited {
    readonly lib: Cryptoki
    readonly pool: SessionPool
    others = 0
    #open = 0
    most = 0
    refused = 0

    constructor(lib: Cryptoki, limit: number) {
      this.lib = lib
      const opening = (slot: Handle, flags: number): Handle => {
        if (this.#open + this.others >= limit) {
          this.refused++
          throw new Error('CKR_SESSION_COUNT:177')
        }
        this.most = Math.max(this.most, ++this.#open)
        return lib.C_OpenSession(slot, flags)
      }
      const closing = (session: Handle): void => {
        this.#open--
        lib.C_CloseSession(session)
      }
      const limited = new Proxy(lib, {
        get: (target, name: keyof Cryptoki) => {
          if (name === 'C_OpenSession') return opening
          return name === 'C_CloseSession' ? closing : target[name]
        },
      })
      this.pool = new SessionPool(limited, findToken(lib, config.token).slot, 32)
    }

    random(): Promise<number> {
      return this.pool.withSession({ signal: new AbortController().signal }, async session => {
        await new Promise(resolve => setImmediate(resolve))
        return this.lib.C_GenerateRandom(session, Buffer.alloc(8)).length
      })
    }
  }

  it('serves all callers with those it gives', () =>
    withRawToken(config, async lib => {
      const token = new Limited(lib, 3)
      const lengths = await Promise.all(Array.from({ length: 64 }, () => token.random()))
      expect(lengths.every(length => length === 8)).to.equal(true)
      expect(token.most).to.equal(3)
      // it is not asked again and again
      expect(token.refused).to.be.below(32)
      token.pool.close()
    }))

  it('says so when there is none to wait for, and serves again when there is one', () =>
    withRawToken(config, async lib => {
      const token = new Limited(lib, 2)
      token.others = 2
      for (let time = 0; time < 3; time++) {
        // the pool leaves the token's errors as they are; the provider gives them their type
        expect(ckrOf(await thrownBy(token.random()))).to.equal('CKR_SESSION_COUNT')
      }
      token.others = 0
      expect(await Promise.all([token.random(), token.random(), token.random()])).to.deep.equal([8, 8, 8])
      token.pool.close()
    }))

  it('keeps its sessions in order where calls fail: each is closed, and another one opened', () =>
    withRawToken(config, async lib => {
      const token = new Limited(lib, 2)
      const failing = (): Promise<unknown> =>
        token.pool.withSession({ signal: new AbortController().signal }, async () => {
          await new Promise(resolve => setImmediate(resolve))
          throw new TypeError('as if the call had failed')
        })
      const outcomes = await Promise.allSettled(
        Array.from({ length: 32 }, (_, n) => (n % 3 === 0 ? failing() : token.random())),
      )
      const failed = outcomes.flatMap(each => (each.status === 'rejected' ? [each.reason as unknown] : []))
      expect(failed).to.have.length(11)
      expect(failed.every(reason => reason instanceof TypeError)).to.equal(true)
      expect(token.most).to.equal(2)
      token.pool.close()
    }))
})
