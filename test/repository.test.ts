import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { warderCodes } from '@warder/contract'
import { problems } from '../daemon/src/http/problem.ts'
import { projectFiles, root } from './support/files.ts'
import { packageFiles, readPackageJson } from './support/manifests.ts'

interface LockEntry {
  readonly resolved?: string
  readonly link?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const lock = (JSON.parse(textOf('package-lock.json')) as { packages: Readonly<Record<string, LockEntry>> }).packages

/** Lines of the project's files that match, as `file:line`. */
function linesMatching(pattern: RegExp, files: readonly string[]): string[] {
  return files.flatMap(file =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  )
}

describe('repository', () => {
  it('no file names a folder of a developer’s machine', () => {
    expect(linesMatching(/(?<![\w.*-])\/(?:work|home|Users)\/\w/, projectFiles())).to.deep.equal([])
  })

  it('no test is singled out or skipped', () => {
    const tests = projectFiles().filter(file => file.endsWith('.test.ts'))
    expect(linesMatching(/\b(?:describe|context|it)\.(?:only|skip)\(|\bthis\.skip\(/, tests)).to.deep.equal([])
  })

  for (const file of packageFiles())
    it(`${file} states its licence, its engines and exact versions`, () => {
      const manifest = readPackageJson(file)
      expect(manifest.license).to.equal('Apache-2.0')
      expect(manifest.engines).to.deep.equal({ node: '>=20.19' })
      const versions = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
      for (const [name, version] of Object.entries(versions))
        expect(version, name).to.match(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
    })

  it('the contract has no dependencies', () => {
    expect(readPackageJson('plugins/contract/package.json').dependencies ?? {}).to.deep.equal({})
  })

  it('the lockfile names no registry but the public one', () => {
    const foreign = Object.entries(lock)
      .filter(([, { link, resolved }]) => !link && resolved !== undefined)
      .filter(([, { resolved }]) => !resolved?.startsWith('https://registry.npmjs.org/'))
    expect(foreign.map(([path]) => path)).to.deep.equal([])
  })

  it('the lockfile is whole: npm ci refuses one that lacks a binary of another platform', () => {
    const absent = Object.entries(lock)
      .filter(([, { optional }]) => !optional)
      .flatMap(([path, { optionalDependencies }]) =>
        Object.keys(optionalDependencies ?? {})
          .filter(name => !(`node_modules/${name}` in lock) && !(`${path}/node_modules/${name}` in lock))
          .map(name => `${name} of ${path}`),
      )
    expect(absent).to.deep.equal([])
  })

  it('every package that runs an install script is approved by name, and no name is left over', () => {
    const names = (paths: readonly string[]): string[] =>
      paths.map(path => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
    const running = Object.keys(lock).filter(path => lock[path]?.hasInstallScript)
    const approved = Object.keys(readPackageJson('package.json').allowScripts ?? {})
    expect(approved).to.include.members(names(running))
    expect(names(Object.keys(lock))).to.include.members(approved)
  })
})

describe('docs/errors.md', () => {
  /** Rows of its table: `| \`code\` | status | retry | meaning | what to do |`. */
  const rows = textOf('docs/errors.md')
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line => line.split('|').map(cell => cell.trim()))
    .map(([, code = '', status, retry, meaning = '', remedy = '']) => ({
      code: code.replaceAll('`', ''),
      status: Number(status),
      retry,
      meaning,
      remedy,
    }))

  it('has one row for each code, in the order of the contract', () => {
    expect(rows.map(({ code }) => code)).to.deep.equal([...warderCodes])
  })

  it('states the status and the retry advice that the daemon answers', () => {
    const answered = warderCodes.map(code => {
      const { status, retryable } = problems[code]
      return { code, status, retry: retryable ? 'yes' : 'no' }
    })
    expect(rows.map(({ code, status, retry }) => ({ code, status, retry }))).to.deep.equal(answered)
  })

  it('says what each code means and what to do', () => {
    for (const { code, meaning, remedy } of rows) {
      expect(meaning, code).to.not.equal('')
      expect(remedy, code).to.not.equal('')
    }
  })
})
