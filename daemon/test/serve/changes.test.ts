import { expect } from 'chai'
import { changedFields, takesEffectLive } from '../../src/serve/changes.ts'

describe('changedFields', () => {
  it('names what differs, as deep as both have tables', () => {
    const before = { node: 'a', tls: { key: '/k', internalCa: { hosts: ['a'] } }, listen: { port: 1 } }
    const after = {
      node: 'a',
      tls: { key: '/l', internalCa: { hosts: ['a', 'b'] } },
      log: { level: 'info' },
      listen: { port: 1 },
    }
    expect(changedFields(before, after)).to.deep.equal(['log', 'tls.internalCa.hosts', 'tls.key'])
    expect(changedFields(before, structuredClone(before))).to.deep.equal([])
  })

  it('takes the log level, the certificate and its key for what needs no restart', () => {
    expect(['log.level', 'tls.key', 'tls.certificate'].every(takesEffectLive)).to.equal(true)
    expect(['log', 'tls', 'tls.internalCa', 'listen.port', 'user'].some(takesEffectLive)).to.equal(false)
  })
})
