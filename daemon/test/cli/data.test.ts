import { expect } from 'chai'
import fc from 'fast-check'
import { parse, parseAllDocuments } from 'yaml'
import { dataText, streamText } from '../../src/cli/data.ts'
import { asData } from '../../src/cli/format.ts'

describe('data for programs', () => {
  it('as YAML says what it says as JSON, whatever is in it', async () => {
    const awkward = [
      'no',
      'null',
      '1e3',
      '0777',
      '2030-01-01',
      '- x',
      'a: b',
      '#',
      ' x ',
      'a\nb',
      '\u001b[1m',
      '\u009b',
      '',
    ]
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...awkward), fc.integer(), fc.boolean())
    const value = fc.array(fc.dictionary(fc.string(), fc.oneof(leaf, fc.array(leaf), fc.constant(null))))
    await fc.assert(
      fc.asyncProperty(value, async data => {
        // what JSON can say, such as no prototype
        const said: unknown = JSON.parse(JSON.stringify(data))
        expect(parse(await dataText('yaml', said))).to.deep.equal(said)
        expect(JSON.parse(await dataText('json', said))).to.deep.equal(said)
      }),
    )
  })

  it('never steers the terminal', async () => {
    for (const format of ['json', 'yaml'] as const)
      expect(await dataText(format, { name: 'a\u001b[2Jb\rc' })).to.not.match(/(?!\n)\p{Cc}/u)
  })

  it('does not fold what is long, and repeats what comes twice', async () => {
    const shared = { a: 'x '.repeat(200).trim() }
    const text = await dataText('yaml', [shared, shared])
    expect(text.trimEnd().split('\n')).to.have.length(2)
    expect(text).to.not.include('&')
  })

  it('of a stream is a line of JSON, or a YAML document, for each', async () => {
    const records = ['{"seq":0,"ts":"2030-01-01T00:00:00.000Z"}', '{"seq":1,"ts":"x"}']
    expect(await streamText('json', records[0] ?? '')).to.equal(`${records[0]}\n`)
    const text = (await Promise.all(records.map(record => streamText('yaml', record)))).join('')
    const documents = parseAllDocuments(text).map(document => document.toJS() as unknown)
    expect(documents).to.deep.equal(records.map(record => JSON.parse(record) as unknown))
  })

  it('is for standard output; a file gets the bytes', () => {
    expect(asData({ format: 'yaml' })).to.equal('yaml')
    expect(asData({ format: 'json', out: 'file' })).to.equal(undefined)
    expect(asData({ format: 'table' })).to.equal(undefined)
  })
})
