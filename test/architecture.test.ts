import { expect } from 'chai'
import { manifests } from './support/manifests.ts'
import { projectFiles } from './support/files.ts'
import { zones } from './support/import-rules.ts'
import { readImports, type SourceFacts } from './support/imports.ts'
import { violations } from './support/import-violations.ts'

const sourceFiles = projectFiles().filter(file => /\.[cm]?[jt]sx?$/.test(file))

describe('architecture', () => {
  it('imports run only the ways that the table allows', () => {
    expect(violations(readImports(sourceFiles), zones, manifests())).to.deep.equal([])
  })

  it('every zone names only zones that exist', () => {
    const names = zones.map(zone => zone.name)
    for (const { name, mayImport } of zones)
      for (const other of mayImport)
        expect(
          names.some(known => (other.endsWith('*') ? known.startsWith(other.slice(0, -1)) : known === other)),
          `${name} -> ${other}`,
        ).to.equal(true)
  })
})

describe('the reader of imports', () => {
  const read = (text: string): SourceFacts => readImports(['core/src/probe.ts'], () => text)[0]!

  it('sees imports, re-exports, types, import() and import types, and no comments or strings', () => {
    const text = `
      import a from 'a'; import type { B } from 'b'; import 'c'; export * from 'd'; export type { E } from 'e'
      const f = await import('f'); type G = import('g').G
      // import 'comment'
      const text = "import 'string'"`
    expect(read(text).imports.toSorted()).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  it('sees import() of a computed name', () => {
    expect(read('await import(name)').computedImport).to.equal(true)
    expect(read('await import(`./${name}.ts`)').computedImport).to.equal(true)
    expect(read("await import('./literal.ts')").computedImport).to.equal(false)
  })

  it('sees process.env as it is usually written', () => {
    expect(read('process.env.A').environment).to.equal(true)
    expect(read('globalThis.process?.env["A"]').environment).to.equal(true)
    expect(read('process["env"]').environment).to.equal(true)
    expect(read('const { env } = process').environment).to.equal(true)
    expect(read('other.env').environment).to.equal(false)
  })
})

describe('the rules of imports refuse', () => {
  const packages = [
    { folder: '', name: 'root', dependencies: [], devDependencies: ['chai'] },
    { folder: 'plugins/contract', name: '@warder/contract', dependencies: [], devDependencies: [] },
    { folder: 'plugins/testkit', name: '@warder/testkit', dependencies: ['@warder/contract'], devDependencies: [] },
    { folder: 'plugins/one', name: '@warder/one', dependencies: ['@warder/contract', 'zod'], devDependencies: [] },
    {
      folder: 'plugins/two',
      name: '@warder/two',
      dependencies: ['@warder/contract', '@warder/one'],
      devDependencies: [],
    },
    { folder: 'core', name: '@warder/core', dependencies: ['@warder/contract', 'koa', 'zod'], devDependencies: [] },
    {
      folder: 'daemon',
      name: 'warder',
      dependencies: ['@warder/core', '@warder/one', '@warder/contract'],
      devDependencies: [],
    },
    { folder: 'ui', name: '@warder/ui', dependencies: ['@warder/core', 'warder'], devDependencies: [] },
  ]
  const entries = packages.filter(({ folder }) => folder !== '').map(({ folder }) => `${folder}/src/index.ts`)

  function breaches(files: Readonly<Record<string, Partial<SourceFacts>>>): string[] {
    const facts = { imports: [], computedImport: false, environment: false }
    const present = entries.filter(file => !(file in files)).map(file => ({ ...facts, file }))
    const given = Object.entries(files).map(([file, partial]) => ({ ...facts, ...partial, file }))
    return violations([...present, ...given], zones, packages)
  }

  it('nothing, when nothing is wrong', () => {
    expect(
      breaches({
        'core/src/keys/service.ts': { imports: ['@warder/contract', 'zod', 'node:crypto', '../records/seal.ts'] },
        'core/src/records/seal.ts': {},
        'daemon/src/plugins/load.ts': { imports: ['@warder/core'], computedImport: true },
        'plugins/one/test/one.test.ts': { imports: ['chai', '@warder/testkit', '../src/index.ts'] },
      }),
    ).to.deep.equal([])
  })

  const single: readonly (readonly [string, string, Partial<SourceFacts>, string])[] = [
    [
      'a contract that imports the engine',
      'plugins/contract/src/a.ts',
      { imports: ['@warder/core'] },
      'of core/engine',
    ],
    ['a contract that has a dependency', 'plugins/contract/src/a.ts', { imports: ['zod'] }, 'does not declare'],
    ['a contract that does I/O', 'plugins/contract/src/a.ts', { imports: ['node:fs'] }, 'may not'],
    ['a plugin that imports the engine', 'plugins/one/src/a.ts', { imports: ['@warder/core'] }, 'of core/engine'],
    ['a plugin that imports the daemon', 'plugins/one/src/a.ts', { imports: ['warder'] }, 'of daemon'],
    ['a plugin that imports the testkit', 'plugins/one/src/a.ts', { imports: ['@warder/testkit'] }, 'of testkit'],
    ['a plugin that imports another plugin', 'plugins/two/src/a.ts', { imports: ['@warder/one'] }, 'same kind'],
    ['a plugin that reads the environment', 'plugins/one/src/a.ts', { environment: true }, 'process.env'],
    ['a plugin that imports a computed name', 'plugins/one/src/a.ts', { computedImport: true }, 'computed'],
    ['a testkit that imports the engine', 'plugins/testkit/src/a.ts', { imports: ['@warder/core'] }, 'of core/engine'],
    ['an engine that imports a web framework', 'core/src/keys/a.ts', { imports: ['koa'] }, 'never may'],
    ['an engine that imports a queue', 'core/src/keys/a.ts', { imports: ['bullmq'] }, 'never may'],
    ['an engine that imports Redis', 'core/src/keys/a.ts', { imports: ['ioredis'] }, 'never may'],
    ['an engine that imports PKCS#11', 'core/src/keys/a.ts', { imports: ['pkcs11js'] }, 'never may'],
    ['an engine that imports a plugin', 'core/src/keys/a.ts', { imports: ['@warder/one'] }, 'of plugin'],
    ['an engine that imports the daemon', 'core/src/keys/a.ts', { imports: ['warder'] }, 'of daemon'],
    ['an engine that touches files', 'core/src/keys/a.ts', { imports: ['node:fs/promises'] }, 'may not'],
    ['an engine that reads the environment', 'core/src/keys/a.ts', { environment: true }, 'process.env'],
    ['an engine that takes the process', 'core/src/keys/a.ts', { imports: ['node:process'] }, 'may not'],
    ['a daemon that names a plugin', 'daemon/src/compose.ts', { imports: ['@warder/one'] }, 'of plugin'],
    ['a loader that names a plugin', 'daemon/src/plugins/load.ts', { imports: ['@warder/one'] }, 'of plugin'],
    ['a daemon that imports a computed name elsewhere', 'daemon/src/compose.ts', { computedImport: true }, 'computed'],
    ['a console that imports the engine', 'ui/src/a.ts', { imports: ['@warder/core'] }, 'of core/engine'],
    ['a console that imports the daemon', 'ui/src/a.ts', { imports: ['warder'] }, 'of daemon'],
    ['a package that is used and not declared', 'core/src/keys/a.ts', { imports: ['left-pad'] }, 'does not declare'],
    ['a builtin without its prefix', 'daemon/src/a.ts', { imports: ['fs'] }, 'without node:'],
    ['a path that leads nowhere', 'daemon/src/a.ts', { imports: ['./b.ts'] }, 'not there'],
    ['a path into another package', 'daemon/src/a.ts', { imports: ['../../core/src/index.ts'] }, 'by path'],
    ['a file in a folder nobody knows', 'helpers/a.ts', {}, 'no rule'],
    ['a layer of core nobody knows', 'core/src/misc/a.ts', {}, 'no rule'],
  ]
  for (const [title, file, facts, reason] of single)
    it(title, () => {
      const found = breaches({ [file]: facts })
      expect(
        found.some(line => line.startsWith(file) && line.includes(reason)),
        found.join('\n'),
      ).to.equal(true)
    })

  const upward: readonly (readonly [string, string])[] = [
    ['audit/journal', 'records/repository'],
    ['records/repository', 'keys/model'],
    ['records/repository', 'policy/decide'],
    ['policy/decide', 'identity/service'],
    ['spaces/service', 'keys/service'],
    ['identity/service', 'approvals/service'],
    ['keys/service', 'approvals/service'],
    ['approvals/service', 'keys/service'],
    ['keys/service', 'retention/sweep'],
    ['keys/model', 'keys/service'],
  ]
  for (const [from, to] of upward)
    it(`core/src/${from}.ts importing core/src/${to}.ts`, () => {
      const found = breaches({ [`core/src/${from}.ts`]: { imports: [`../${to}.ts`] }, [`core/src/${to}.ts`]: {} })
      expect(found).to.have.lengthOf(1)
    })

  it('files that import each other in a ring', () => {
    const found = breaches({
      'daemon/src/a.ts': { imports: ['./b.ts'] },
      'daemon/src/b.ts': { imports: ['./c.ts'] },
      'daemon/src/c.ts': { imports: ['./a.ts'] },
    })
    expect(found).to.deep.equal(['cycle: daemon/src/a.ts -> daemon/src/b.ts -> daemon/src/c.ts -> daemon/src/a.ts'])
  })
})
