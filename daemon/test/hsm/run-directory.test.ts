import { expect } from 'chai'
import { idAsSeen, runDirectoryFault } from '../../src/hsm/run-directory.ts'

const me = 1000
const hsm = 995
const group = 994
const sharing = { uid: hsm, gid: group }

describe('a run directory for one user', () => {
  it('is that user’s, and nobody else may enter it', () => {
    for (const role of ['hosts', 'client'] as const) {
      expect(runDirectoryFault({ uid: me, gid: 1, mode: 0o40700 }, me, role, undefined)).to.equal(undefined)
      expect(runDirectoryFault({ uid: hsm, gid: 1, mode: 0o40700 }, me, role, undefined)).to.match(/another user/)
      for (const mode of [0o40710, 0o40701, 0o40750, 0o40777])
        expect(runDirectoryFault({ uid: me, gid: 1, mode }, me, role, undefined)).to.match(/chmod it to 0700/)
    }
  })
})

describe('a run directory that a group shares', () => {
  const right = { uid: hsm, gid: group, mode: 0o42750 }

  it('is good for the hosts when it is theirs, and for a client when it is theirs or root’s', () => {
    expect(runDirectoryFault(right, hsm, 'hosts', sharing)).to.equal(undefined)
    expect(runDirectoryFault(right, me, 'client', sharing)).to.equal(undefined)
    expect(runDirectoryFault({ ...right, uid: 0 }, me, 'client', sharing)).to.equal(undefined)
  })

  it('is refused by a client when anybody else owns it, even the client: that could put sockets of its own there', () => {
    for (const uid of [me, 1, 65_534])
      expect(runDirectoryFault({ ...right, uid }, me, 'client', sharing)).to.match(/another user/)
    expect(runDirectoryFault({ ...right, uid: 0 }, hsm, 'hosts', sharing)).to.match(/another user/)
  })

  it('is refused when it is another group’s, or the group may write, or others may enter, or sockets would not get the group', () => {
    for (const role of ['hosts', 'client'] as const) {
      const as = role === 'hosts' ? hsm : me
      expect(runDirectoryFault({ ...right, gid: 100 }, as, role, sharing)).to.match(/another group/)
      for (const mode of [0o42770, 0o42755, 0o42751, 0o40750, 0o42700, 0o43750])
        expect(runDirectoryFault({ ...right, mode }, as, role, sharing), mode.toString(8)).to.match(/chmod it to 2750/)
    }
  })
})

describe('an id in a user namespace', () => {
  it('shows as itself where it is mapped, and as the overflow id where it is not', () => {
    expect(idAsSeen(995, '         0          0 4294967295\n')).to.equal(995)
    const own = '0 0 1\n999 999 1\n'
    expect([0, 999, 995].map(id => idAsSeen(id, own))).to.deep.equal([0, 999, 65_534])
    expect(idAsSeen(5, '0 0 5\n')).to.equal(65_534)
  })
})
