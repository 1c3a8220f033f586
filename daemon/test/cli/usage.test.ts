import { expect } from 'chai'
import { runProgram } from './support/run-program.ts'

describe('the command line', () => {
  const helped = [
    ['index', [], ['Usage: warder ', 'dev ', 'audit']],
    ['index', ['dev'], ['Usage: warder dev ', '--ready-file <file>', '--port <port>', '--dir <dir>']],
    ['index', ['audit'], ['Usage: warder audit ', 'verify ']],
    ['index', ['audit', 'verify'], ['Usage: warder audit verify ', '--dir <dir>']],
    ['hsm', [], ['Usage: warder-hsm ', 'serve ', 'dev-token ']],
    ['hsm', ['serve'], ['--config <file>', '--exit-with-parent']],
  ] as const
  for (const [program, command, said] of helped)
    it(`${[program === 'hsm' ? 'warder-hsm' : 'warder', ...command].join(' ')} --help explains itself and ends with 0`, async () => {
      const { code, stdout, stderr } = await runProgram(program, ...command, '--help')
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      for (const each of said) expect(stdout).to.include(each)
    })

  const refused = [
    ['index', ['--nonsense'], "unknown option '--nonsense'"],
    ['index', ['nonsense'], "unknown command 'nonsense'"],
    ['index', ['dev', '--nonsense'], "unknown option '--nonsense'"],
    ['index', ['dev', 'nonsense'], 'too many arguments'],
    ['index', ['dev', '--port', '65536'], 'must be a port number'],
    ['index', ['dev', '--port', '-1'], 'must be a port number'],
    ['index', ['dev', '--port', '0x50'], 'must be a port number'],
    ['index', ['audit', 'verify'], "required option '--dir <dir>' not specified"],
    ['hsm', ['serve', '--nonsense'], "unknown option '--nonsense'"],
  ] as const
  for (const [program, args, said] of refused)
    it(`${[program === 'hsm' ? 'warder-hsm' : 'warder', ...args].join(' ')} is refused with 1, before anything is started`, async () => {
      const { code, stdout, stderr } = await runProgram(program, ...args)
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
      expect(stderr).to.include(said).and.to.not.include('    at ')
    })

  it('without a command it shows how it is used, and that is a failure', async () => {
    const { code, stderr } = await runProgram('index')
    expect(code).to.equal(1)
    expect(stderr).to.include('Usage: warder ')
  })

  it('an HSM configuration that is not there is named, without a stack trace', async () => {
    const { code, stderr } = await runProgram('hsm', 'serve', '--config', '/nowhere/warder.toml')
    expect(code).to.equal(1)
    expect(stderr).to.equal('warder-hsm: /nowhere/warder.toml: cannot be read (ENOENT). [config-invalid]\n')
  })
})
