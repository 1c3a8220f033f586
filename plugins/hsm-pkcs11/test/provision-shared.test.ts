import { expect } from 'chai'
import { extractableOn, labelsOn, newTokens, provisionAll, withOne } from './several-tokens.ts'
import { expectSigns, op, removeDirectory, sealedKey, specOf, temporaryDirectory } from './support.ts'

const rootKeys = ['warder/export-kek/1', 'warder/import-kek/1', 'warder/kek/1', 'warder/store/1']

describe('tokens that share root keys', function () {
  this.timeout(60_000)
  let directory: string

  beforeEach(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(() => removeDirectory(directory))

  it('are prepared in one ceremony, and a key sealed on either is used on the other', async () => {
    const tokens = await newTokens(directory)
    const done = await provisionAll(tokens)
    expect(done.join('\n')).to.match(/initialised the token one.*\n.*initialised the token two/)
    expect(done.join('\n')).to.match(/made the root key warder\/kek\/1 on the tokens one \(.*\), two \(/)
    const { configs } = tokens
    for (const index of [0, 1]) {
      const made = await withOne(configs, index, async provider => [
        await sealedKey(provider),
        await provider.generate(specOf({ exportable: true }), op),
      ])
      await withOne(configs, 1 - index, async provider => {
        for (const key of made) await expectSigns(provider, key)
      })
    }
    for (const config of configs) {
      expect(await labelsOn(config)).to.deep.equal(rootKeys)
      expect(await extractableOn(config)).to.deep.equal([])
    }
  })
})
