import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { expect } from 'chai'
import { completionScript } from '../../src/cli/completion.ts'
import { described, everyCommand } from '../../src/cli/manual/described.ts'
import { addCommands } from '../../src/cli/tree.ts'

const program = new Command('warder')
addCommands(program)

describe('completion', () => {
  describe('in bash', () => {
    let directory: string
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'warder-completion-'))
      await writeFile(join(directory, 'warder.bash'), completionScript(program, 'bash'))
    })
    after(() => rm(directory, { recursive: true }))

    /** What is offered for the last of these words. */
    async function offered(...words: readonly string[]): Promise<readonly string[]> {
      const script =
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _warder; printf "%s\\n" "${COMPREPLY[@]}"'
      const { stdout } = await promisify(execFile)('bash', [
        '-euc',
        script,
        'bash',
        join(directory, 'warder.bash'),
        ...words,
      ])
      return stdout.split('\n').filter(Boolean)
    }

    it('offers commands, and those below them', async () => {
      expect(await offered('warder', 'ver')).to.deep.equal(['verify'])
      expect(await offered('warder', 'key', 're')).to.deep.equal(['resume', 'revoke', 'restore'])
      expect(await offered('warder', 'key', '')).to.include.members(['create', 'list', 'import'])
    })

    it('offers the options of a command, wherever it stands', async () => {
      expect(await offered('warder', 'sign', 'file', '--key', 'orders', '--al')).to.deep.equal(['--algorithm'])
      expect(await offered('warder', 'key', 'list', '--st')).to.deep.equal(['--state'])
      expect(await offered('warder', 'key', 'show', '--st')).to.deep.equal([])
    })

    it('offers the values of an option that has few', async () => {
      expect(await offered('warder', 'key', 'create', 'x', '--algorithm', 'P-')).to.deep.equal([
        'P-256',
        'P-384',
        'P-521',
      ])
      expect(await offered('warder', 'key', 'list', '--format', '')).to.deep.equal(['table', 'json', 'yaml'])
    })

    it('leaves files to the shell', async () => {
      expect(await offered('warder', 'sign', '--out', '')).to.deep.equal([])
    })
  })

  for (const shell of ['bash', 'zsh', 'fish'] as const)
    it(`for ${shell} has every command and option`, () => {
      const script = completionScript(program, shell)
      for (const { path, options } of everyCommand(described(program))) {
        expect(script).to.include(path.slice(1).join(' '))
        for (const { long } of options) expect(script).to.include(shell === 'fish' ? `-l ${long.slice(2)} ` : long)
      }
    })
})
