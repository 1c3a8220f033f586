import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { alone } from '../src/login-lock.ts'

describe('the lock that logins to a token are held by', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-login-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is waited for so long and no longer, holds up no other token, and is free again afterwards, also after a failure', async () => {
    const briefly = (serial: string): Promise<string> => alone(directory, serial, async () => 'done', 0.1)
    const failed = await alone(directory, 'one', async () => {
      const refusal: unknown = await briefly('one').catch((error: unknown) => error)
      expect(WarderError.is(refusal, 'hsm-unavailable')).to.equal(true)
      expect((refusal as WarderError).facts).to.deep.equal({ reason: 'login-under-way', serial: 'one' })
      expect(await briefly('other')).to.equal('done')
      throw new Error('refused')
    }).catch((error: unknown) => (error as Error).message)
    expect(failed).to.equal('refused')
    expect(await briefly('one')).to.equal('done')
  })
})
