import { expect } from 'chai'
import { asUser, findGroup, findUser } from '../../src/systemd/accounts.ts'
import { configDirectory } from '../config/support.ts'

describe('accounts of the machine', () => {
  it('are found by their names', async () => {
    expect(await findUser('root')).to.deep.equal({ name: 'root', uid: 0, gid: 0 })
    expect(await findGroup('root')).to.equal(0)
  })

  it('that are not there are named', async () => {
    const error = await findUser('no-such-user').catch((cause: unknown) => cause as Error)
    expect(error).to.have.property(
      'message',
      'There is no user no-such-user on this machine: systemd-sysusers makes it.',
    )
  })

  it('are not taken from lines that are broken', async () => {
    const dir = await configDirectory()
    try {
      const passwd = await dir.write('passwd', 'x:x:abc:1::/:\nx:x\nx:x:12:34:X:/:/bin/false\n')
      expect(await findUser('x', passwd)).to.deep.equal({ name: 'x', uid: 12, gid: 34 })
    } finally {
      await dir[Symbol.asyncDispose]()
    }
  })

  it('are put on and off again by root, also after a failure', async () => {
    const me = [process.geteuid?.(), process.getegid?.(), process.getgroups?.()]
    const nobody = await findUser('nobody')
    const seen = await asUser(nobody, async () => process.geteuid?.())
    expect(seen).to.equal(process.getuid?.() === 0 ? nobody.uid : me[0])
    await asUser(nobody, () => Promise.reject(new Error('failed'))).catch(() => undefined)
    expect([process.geteuid?.(), process.getegid?.(), process.getgroups?.()]).to.deep.equal(me)
  })
})
