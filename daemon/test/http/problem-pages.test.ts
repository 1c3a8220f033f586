import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { warderCodes } from '@warder/contract'
import { problems } from '../../src/http/problem.ts'
import { problemTexts } from '../../src/http/problem-texts.ts'
import { startAppliance, type Appliance } from './support/appliance.ts'

describe('problem pages', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance({ running: () => undefined })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('tell of every code, without credentials and while sealed', async () => {
    for (const code of warderCodes) {
      const reply = await appliance.send({ path: `/problems/${code}`, anonymous: true })
      const { title, status, retryable } = problems[code]
      const type = `urn:warder:problem:${code}`
      expect(reply.json(), code).to.deep.equal({ type, code, title, status, retryable, ...problemTexts[code] })
    }
  })

  it('are text for those who ask for text', async () => {
    const text = await appliance.send({ path: '/problems/hsm-timeout', headers: { accept: 'text/plain' } })
    expect(text.headers['content-type']).to.equal('text/plain; charset=utf-8')
    expect(text.text).to.match(/^hsm-timeout\n\nThe HSM did not answer in time\. HTTP status 503\.\n/)
    for (const accept of ['*/*', 'application/json', 'application/json, text/plain;q=0.5', 'image/png']) {
      const json = await appliance.send({ path: '/problems/hsm-timeout', headers: { accept } })
      expect(json.headers['content-type'], accept).to.equal('application/json; charset=utf-8')
    }
  })

  it('are not there for other codes', async () => {
    for (const code of ['nothing', 'toString', '__proto__', 'Internal', '']) {
      expect((await appliance.get(`/problems/${code}`)).status, code).to.equal(404)
    }
  })

  it('have the words of docs/errors.md, which has an anchor for each', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
    for (const code of warderCodes) {
      const row = page.split('\n').find(line => line.startsWith(`| \`${code}\``)) ?? ''
      const [, , , , meaning = '', remedy = ''] = row.split('|').map(cell => cell.trim())
      expect(meaning, code).to.equal(`<a id="${code}"></a>${problemTexts[code].meaning}`)
      expect(remedy, code).to.equal(problemTexts[code].remedy)
    }
  })
})
