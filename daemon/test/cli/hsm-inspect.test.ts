import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { prepare } from '../../src/dev/prepare.ts'
import { runProgram } from './support/run-program.ts'

describe('warder-hsm inspect', () => {
  it('shows the token and its objects by name, and neither a PIN nor a value', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'warder-inspect-'))
    try {
      await prepare(dir, 0)
      const { code, stdout, stderr } = await runProgram('hsm', 'inspect', '--config', join(dir, 'warder.toml'))
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      const shown = JSON.parse(stdout) as { token: object; objects: { label: string }[] }
      expect(shown.token).to.include({ label: 'warder' })
      expect(shown.objects.map(({ label }) => label)).to.include.members(['warder/kek/1', 'warder/store/1'])
      expect(stdout).to.not.include((await readFile(join(dir, 'hsm', 'pin'), 'utf8')).trim())
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})
