import type { RootKeyBackup } from '@warder/contract'
import { expect } from 'chai'
import { joinBackups } from '../../src/hsm/join-backups.ts'
import { rejection } from './support/until.ts'

const recipient = new Uint8Array(8).fill(1)
const of = (numbers: readonly number[], missing: readonly string[] = []): RootKeyBackup => ({
  recipient,
  keys: numbers.map(number => ({ purpose: 'kek', number, oaep: 'RSA-OAEP-256', wrapped: new Uint8Array(8) })),
  missing,
})

describe('the root keys of several tokens for a backup', () => {
  it('are those of all together, each once: one that joined later has the newer ones alone', () => {
    const { keys, missing } = joinBackups([of([1, 2]), of([2])], [1, 2])
    expect([keys.map(({ number }) => number), missing]).to.deep.equal([[1, 2], []])
  })

  it('are missing when no token has them wrapped, and when they are on one that is away', () => {
    expect(joinBackups([of([2], ['kek/1'])], [1, 2]).missing).to.deep.equal(['kek/1'])
    expect(joinBackups([of([2])], [1, 2]).missing).to.deep.equal(['kek/1'])
    expect(joinBackups([of([1]), of([], ['kek/1'])], [1]).missing).to.deep.equal([])
  })

  it('are refused where they are not wrapped to the same recipient', async () => {
    const join = async () => joinBackups([of([1]), { ...of([1]), recipient: undefined }], [1])
    expect((await rejection(join())).code).to.equal('config-invalid')
  })
})
