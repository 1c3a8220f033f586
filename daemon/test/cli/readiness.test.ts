import { expect } from 'chai'
import { readiness } from '../../src/cli/readiness.ts'

const reply = (status: number, text: string) => ({ status, headers: { 'content-type': 'text/plain' }, text })

describe('what /readyz says', () => {
  it('is ready when all parts are', () => {
    expect(
      readiness(reply(200, '[+]journal ok: 3 records\n[+]hsm ok: 2 of 2: fine\nreadyz check passed\n')),
    ).to.deep.equal({
      state: 'ready',
      parts: { journal: { ok: true, detail: '3 records' }, hsm: { ok: true, detail: '2 of 2: fine' } },
    })
  })

  it('is failing when a part does, or does not answer in time', () => {
    expect(readiness(reply(503, '[+]journal ok: 3\n[-]hsm failed: no host\nreadyz check failed\n'))).to.deep.include({
      state: 'failing',
    })
    const slow = '[-]engine failed: did not answer in time\nreadyz check failed\n'
    expect(readiness(reply(503, slow))).to.deep.include({ state: 'failing' })
    const broken = '[-]engine failed: The appliance cannot be opened (journal-corrupt).\nreadyz check failed\n'
    expect(readiness(reply(503, broken))).to.deep.include({ state: 'failing' })
  })

  it('is sealed while there is no engine', () => {
    const sealed = '[-]engine failed: The PIN is missing.\nreadyz check failed\n'
    expect(readiness(reply(503, sealed))).to.deep.equal({
      state: 'sealed',
      parts: { engine: { ok: false, detail: 'The PIN is missing.' } },
    })
  })

  it('is nothing that a Warder says', () => {
    expect(() => readiness(reply(200, '<h1>welcome'))).to.throw('not one of a Warder appliance')
  })
})
