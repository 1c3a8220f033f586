import { expect } from 'chai'
import { blocksOf, readPage } from './support/page.ts'
import { matches, shapeOf } from './support/shape.ts'
import { freePort, PersonShell, type Printed } from './support/shell.ts'

const blocks = blocksOf(await readPage('docs/first-hour.md')).filter(({ language }) => language === 'sh')
const isRun = ({ remark = '' }: { readonly remark: string | undefined }): boolean =>
  !remark.startsWith('not run here: ')
const runs = blocks.filter(isRun)

describe('docs/first-hour.md', function () {
  this.timeout(180_000)
  let shell: PersonShell
  let printed: Printed
  before(async () => {
    shell = await PersonShell.make()
    const port = `${await freePort()}`
    const ran = await shell.run(runs.map(({ text }) => text.replaceAll('8443', port)))
    const asOnThePage = (text: string): string => text.replaceAll(port, '8443').replaceAll(shell.home, '~')
    printed = { ...ran, blocks: ran.blocks.map(asOnThePage) }
  })
  after(() => shell[Symbol.asyncDispose]())

  const printedUnder = (heading: string): string =>
    runs.map((block, at) => (block.heading === heading ? (printed.blocks[at] ?? '') : '')).join('\n')

  it('leaves out nothing but the installation of packages', () => {
    expect(blocks.filter(block => !isRun(block)).map(({ heading }) => heading)).to.deep.equal(['Install'])
  })

  it('runs from top to bottom, and prints what it says', () => {
    for (const [at, text] of printed.blocks.entries()) {
      const { line = 0, output = '' } = runs[at] ?? {}
      if (!matches(output, text)) expect(shapeOf(text), `line ${line}`).to.deep.equal(shapeOf(output))
    }
    expect(printed.code, printed.blocks.at(-1)).to.equal(0)
    expect(printed.blocks).to.have.length(runs.length)
  })

  it('restores on another token than that which was lost, from the backup that was made', () => {
    const serials = ['Start it', 'Restore'].map(
      heading => /initialised the token first-hour, serial (\w+)/.exec(printedUnder(heading))?.[1],
    )
    expect(serials).to.not.include(undefined)
    expect(new Set(serials)).to.have.length(2)
    const digests = ['Back up', 'Restore'].map(heading => /SHA-256 ([0-9a-f]{64})/.exec(printedUnder(heading))?.[1])
    expect(digests).to.not.include(undefined)
    expect(new Set(digests)).to.have.length(1)
  })
})
