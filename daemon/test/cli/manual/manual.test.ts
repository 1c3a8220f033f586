import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { expect } from 'chai'
import { described, runnableCommands } from '../../../src/cli/manual/described.ts'
import { addCommands } from '../../../src/cli/tree.ts'
import { runProgram } from '../support/run-program.ts'

const docs = fileURLToPath(new URL('../../../../docs/', import.meta.url))
const run = promisify(execFile)

describe('the manual and the reference', () => {
  let directory: string
  let made: readonly string[]
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-manual-'))
    const { code, stderr } = await runProgram(
      'index',
      'man',
      '--out',
      join(directory, 'man'),
      '--markdown',
      join(directory, 'cli.md'),
    )
    expect(code, stderr).to.equal(0)
    made = (await readdir(join(directory, 'man'))).toSorted()
  })
  after(() => rm(directory, { recursive: true }))

  it('in docs are those of the program: `warder man --out docs/man --markdown docs/cli.md` makes them', async () => {
    expect((await readdir(join(docs, 'man'))).toSorted()).to.deep.equal(made)
    for (const name of made)
      expect(await readFile(join(docs, 'man', name), 'utf8'), name).to.equal(
        await readFile(join(directory, 'man', name), 'utf8'),
      )
    expect(await readFile(join(docs, 'cli.md'), 'utf8')).to.equal(await readFile(join(directory, 'cli.md'), 'utf8'))
  })

  it('render without a warning', async () => {
    for (const name of made) {
      const { stderr } = await run('groff', ['-man', '-Tutf8', '-ww', '-z', join(directory, 'man', name)])
      expect(stderr, name).to.equal('')
    }
  })

  it('have every command with all its options', async () => {
    const program = new Command('warder')
    addCommands(program)
    const reference = await readFile(join(directory, 'cli.md'), 'utf8')
    const commands = runnableCommands(described(program))
    expect(commands).to.have.length.greaterThan(35)
    // once left out: it has a command below it and does something by itself
    expect(commands.map(({ path }) => path.join(' '))).to.include.members(['warder backup', 'warder backup verify'])
    for (const { path, options } of commands) {
      const section = reference.split(`\n## ${path.join(' ')}\n`)[1]?.split('\n## ')[0] ?? ''
      const page = join(directory, 'man', `${path.slice(0, 2).join('-')}.1`)
      const { stdout } = await run('groff', ['-man', '-Tutf8', '-P-c', '-P-b', '-P-u', page], {
        env: { ...process.env, MANWIDTH: '200' },
      })
      const rendered = stdout.replaceAll(/\s+/g, ' ').replaceAll('‐', '-').replaceAll('−', '-')
      expect(rendered, path.join(' ')).to.include(path.join(' '))
      for (const { term, shared } of options) {
        expect(rendered, `${path.join(' ')} ${term}`).to.include(term)
        expect(shared ? reference : section, `${path.join(' ')} ${term}`).to.include(`- \`${term}\``)
      }
    }
  })
})
