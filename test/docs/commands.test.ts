import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { projectFiles, root } from '../support/files.ts'
import { program } from '../support/program.ts'
import { callsIn, commandOfHelp, commandsOf, faultOf, type Known } from './support/commands.ts'
import { blocksOf, readPage, type Block } from './support/page.ts'

/** Pages whose commands are run as they stand, and by which test. */
const runBy: Readonly<Record<string, string>> = {
  'docs/cli.md': 'test/cli/examples.test.ts',
  'docs/first-hour.md': 'test/docs/first-hour.test.ts',
  'docs/journal.md': 'test/docs/journal.test.ts',
  'docs/rest.md': 'daemon/test/api/rest-page.test.ts',
  'docs/runbook.md': 'test/docs/runbook.test.ts',
}

const drills = 'test/docs/first-hour.test.ts runs the same, with another configuration; systemd is not there'
const rotation = 'test/cli/access.test.ts rotates root keys; not on a token that had no recipient before'
const sealing = 'test/e2e/sealing-operator.test.ts seals and unseals; systemd is not there'

const ceremonies = 'test/systemd/ceremony.test.ts runs the same, with another configuration'

/** Commands that no test runs as they stand: the page, what the block begins with, and why. */
const notRun: readonly (readonly [page: string, start: string, reason: string])[] = [
  ['README.md', 'npm run demo', 'the bootstrap installs packages; npm test is this'],
  ['docs/backup.md', 'openssl genpkey', drills],
  ['docs/backup.md', 'warder root-key rotate', rotation],
  ['docs/backup.md', 'warder backup --out', drills],
  ['docs/backup.md', 'warder-hsm restore', drills],
  ['docs/backup.md', 'warder restore', 'test/recovery/restore.test.ts gives a later journal'],
  ['docs/backup.md', 'systemctl stop warder', 'test/docs/runbook.test.ts runs the same'],
  ['docs/benchmarks.md', 'npm run bench', 'takes half an hour; test/bench has tests of its own'],
  [
    'docs/doctor.md',
    'sudo warder doctor',
    'test/cli/doctor.test.ts and test/docs/runbook.test.ts run it, without sudo',
  ],
  ['docs/hsm-modules.md', 'openssl genpkey', drills],
  ['docs/hsm-modules.md', 'install -m 0644', 'needs root, and the installed package'],
  ['docs/hsm-modules.md', 'systemctl restart', rotation],
  ['docs/hsm-modules.md', 'warder-hsm restore', drills],
  ['docs/install.md', 'npm run deb', 'npm run deb:check tries the package; takes minutes, and root'],
  [
    'docs/install.md',
    'warder config check',
    'npm run deb:check runs these; test/systemd/init.test.ts too, without systemd',
  ],
  ['docs/install.md', 'export WARDER_ADDR', drills],
  ['docs/install.md', 'apt-get remove', 'npm run deb:check removes the package'],
  ['docs/install.md', 'sh scripts/bootstrap.sh', 'installs packages; npm test begins with it'],
  ['docs/key-ceremony.md', 'warder-hsm init', ceremonies],
  ['docs/key-ceremony.md', 'warder init', ceremonies],
  ['docs/key-ceremony.md', 'warder-hsm ceremony', ceremonies],
  ['docs/observability.md', 'curl', 'daemon/test/api/rest-page.test.ts asks for the same'],
  ['docs/observability.md', 'node -e', 'daemon/test/tracing has a collector of its own'],
  ['docs/observability.md', 'mkdir', 'daemon/test/tracing traces a whole appliance; this one never ends'],
  ['docs/performance.md', 'npm run bench', 'takes a quarter of an hour; test/bench has tests of its own'],
  [
    'docs/performance.md',
    'node --import tsx',
    'takes a quarter of an hour; test/drills/hsm-soak.test.ts is a shorter one',
  ],
  ['docs/operations.md', 'systemctl start', 'test/systemd/serve.test.ts starts the programs as the units do'],
  ['docs/operations.md', 'warder unseal', sealing],
  ['docs/operations.md', 'systemd-ask-password', sealing],
  ['docs/operations.md', 'warder seal', sealing],
  ['docs/operations.md', 'warder-hsm init', 'test/drills/hsm-several-tokens.test.ts prepares tokens, and adds one'],
  ['docs/operations.md', 'systemctl reload', 'test/systemd/serve.test.ts sends the signal that it sends'],
  ['docs/operations.md', 'warder tls renew', 'test/docs/runbook.test.ts runs the same'],
  ['docs/plugins.md', 'npm pack', 'installs from a package registry'],
]

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs')).flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]
const shellOf = (markdown: string): readonly Block[] => blocksOf(markdown).filter(({ language }) => language === 'sh')

describe('the commands of the documentation', () => {
  let known: readonly Known[]
  before(async function () {
    this.timeout(60_000)
    const [command, ...first] = program('hsm')
    const help = async (...of: readonly string[]): Promise<string> =>
      (await promisify(execFile)(command, [...first, ...of, '--help'])).stdout
    const names = [...(await help()).matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, name = '']) => name)
    expect(names).to.include.members(['serve', 'init', 'restore'])
    names.push('ceremony verify')
    const hsm = await Promise.all(
      names.map(async name => commandOfHelp(`warder-hsm ${name}`, await help(...name.split(' ')))),
    )
    known = [...commandsOf(await readPage('docs/cli.md')), ...hsm]
  })

  it('are each run by a test, or on a list that says why not', async () => {
    expect(projectFiles('test').concat(projectFiles('daemon/test'))).to.include.members(Object.values(runBy))
    const unused = new Set(notRun)
    const unchecked: string[] = []
    for (const page of pages) {
      for (const { line, text } of page in runBy ? [] : shellOf(await readPage(page))) {
        const entry = notRun.find(([of, start]) => of === page && text.startsWith(start))
        if (entry === undefined) unchecked.push(`${page}:${line}`)
        else unused.delete(entry)
      }
    }
    expect(unchecked, 'neither run nor listed').to.deep.equal([])
    expect([...unused], 'listed, and in no page').to.deep.equal([])
  })

  it('name commands and options that there are', async () => {
    const calls: string[] = []
    for (const page of pages) {
      for (const { text, line } of shellOf(await readPage(page))) {
        for (const call of callsIn(text)) {
          calls.push(call)
          expect(faultOf(call, known), `${page}:${line}`).to.equal(undefined)
        }
      }
    }
    expect(calls.length).to.be.greaterThan(80)
  })

  it('would be found out: a command or option that is not there', () => {
    for (const shell of [
      'warder frobnicate',
      'warder key create x --algorithms P-256',
      'x=$(warder sign --keyy a)',
      'warder-hsm init --new',
    ])
      expect(faultOf(callsIn(shell)[0] ?? '', known), shell).to.be.a('string')
    expect(faultOf('warder backup --out x', known)).to.equal(undefined)
  })
})
