import { expect } from 'chai'
import { WarderError, type LogFields, type PluginHost } from '@warder/contract'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PluginFault } from '../../src/plugins/faults.ts'
import { loadPlugin, type LoadedPlugin } from '../../src/plugins/load.ts'
import { resolvePlugin } from '../../src/plugins/resolve.ts'

const fixture = (name: string): string => new URL(`fixtures/${name}.mjs`, import.meta.url).href

const logged: { message: string; fields: LogFields | undefined }[] = []
const keep = (message: string, fields?: LogFields): void => void logged.push({ message, fields })
const host: PluginHost = { log: { debug: keep, info: keep, warn: keep, error: keep }, now: () => new Date(0) }

const load = (
  specifier: string,
  config: unknown = { path: 'a' },
  openTimeoutMs = 5000,
): Promise<LoadedPlugin<'storage'>> =>
  loadPlugin('storage', { specifier, config }, { allow: [specifier], require: ['atomicBatch'], host, openTimeoutMs })

async function failure(loading: Promise<unknown>): Promise<WarderError> {
  try {
    await loading
  } catch (error) {
    if (WarderError.is(error, 'plugin-failed')) return error
    throw error
  }
  throw new Error('the plugin was loaded')
}

describe('loading a plugin', () => {
  it('opens it with its parsed configuration and says which it is', async () => {
    const { service, name, version } = await load(fixture('good'), { path: ' data ' })
    expect({ name, version }).to.deep.equal({ name: 'good', version: '1.2.3' })
    expect(logged.at(-1)).to.deep.equal({ message: 'opened', fields: { path: 'data' } })
    expect(await service.health({ signal: AbortSignal.timeout(1000) })).to.deep.equal({ ok: true, detail: 'fine' })
    await service[Symbol.asyncDispose]()
  })

  it('finds an installed package by its name', async () => {
    // Any package will do that is there and is no plugin: it is found, and refused for what it lacks.
    expect((await failure(load('zod'))).facts).to.include({ plugin: 'zod', fault: 'no-export' })
  })

  const cases: readonly (readonly [specifier: string, fault: PluginFault, field: string, says: RegExp])[] = [
    [
      fixture('is-not-there'),
      'missing',
      'storage.plugin',
      /install the package and what it needs, or correct its name/,
    ],
    ['@warder/no-such-plugin', 'missing', 'storage.plugin', /install the package/],
    ['not a specifier:', 'missing', 'storage.plugin', /correct its name/],
    [fixture('links-to-nothing'), 'broken-syntax', 'storage.plugin', /reinstall/],
    [fixture('throws-at-import'), 'throws-at-import', 'storage.plugin', /importing a plugin must do nothing/],
    [fixture('no-export'), 'no-export', 'storage.plugin', /no constant named plugin/],
    [fixture('not-shaped'), 'no-export', 'storage.plugin', /lacks a name, a version, supports, config or open/],
    [fixture('wrong-kind'), 'wrong-kind', 'storage.plugin', /another kind \(hsm\); name a storage plugin/],
    [fixture('wrong-contract'), 'wrong-contract', 'storage.plugin', /written for contract 2, and this appliance has 1/],
    [fixture('missing-capability'), 'missing-capability', 'storage.plugin', /does not support atomicBatch/],
    [fixture('schema-throws'), 'bad-config', 'storage.config', /could not be checked/],
    [fixture('open-rejects'), 'open-failed', 'storage', /failed to open/],
    [fixture('open-throws'), 'open-failed', 'storage', /failed to open/],
    [fixture('opens-no-service'), 'not-a-service', 'storage', /cannot be closed/],
  ]
  for (const [specifier, fault, field, says] of cases) {
    it(`names the plugin, the field and the fix: ${specifier.replace(/^.*\//, '')} is ${fault}`, async () => {
      const error = await failure(load(specifier))
      expect(error.facts).to.deep.equal({ plugin: specifier, fault, field })
      expect(error.message).to.match(says)
      expect(error.message).to.include(specifier).and.include(field)
    })
  }

  it('names a syntax error', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'warder-plugin-'))
    try {
      const file = join(directory, 'broken.mjs')
      await writeFile(file, 'export const plugin = {')
      const error = await failure(load(pathToFileURL(file).href))
      expect(error.facts['fault']).to.equal('broken-syntax')
      expect(error.cause).to.be.instanceOf(SyntaxError)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('names the field of a configuration that is wrong, and does not open', async () => {
    const before = logged.length
    for (const config of [{}, { path: 7 }, null]) {
      const error = await failure(load(fixture('good'), config))
      expect(error.facts).to.include({ fault: 'bad-config', field: 'storage.config.path' })
      expect(error.message).to.include('must be text')
    }
    expect(logged).to.have.length(before)
  })

  it('does not import what is not on the list, not even to say what is wrong with it', async () => {
    for (const allow of [[], ['fixture'], [fixture('good')], [`${fixture('throws-at-import')}?`]]) {
      const error = await failure(
        loadPlugin(
          'storage',
          { specifier: fixture('throws-at-import'), config: {} },
          { allow, host, openTimeoutMs: 100 },
        ),
      )
      expect(error.facts).to.include({ fault: 'not-allowed' })
      expect(error.message).to.include('plugins.allow')
    }
  })

  it('gives up a schema and an open that hang, and tells the open so', async () => {
    expect((await failure(load(fixture('schema-hangs'), {}, 30))).facts).to.include({ fault: 'bad-config' })
    expect((await failure(load(fixture('open-hangs'), { path: 'a' }, 30))).facts).to.include({
      fault: 'open-timed-out',
    })
    const { signals } = (await import(fixture('open-hangs'))) as { signals: readonly AbortSignal[] }
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true])
  })

  it('closes a service that comes after its time', async () => {
    expect((await failure(load(fixture('open-resolves-late'), { path: 'a' }, 30))).facts).to.include({
      fault: 'open-timed-out',
    })
    const { closed } = (await import(fixture('open-resolves-late'))) as { closed: Promise<{ disposed: number }> }
    expect((await closed).disposed).to.equal(1)
  })
})

describe('resolving a plugin', () => {
  it('checks it without opening it', async () => {
    const before = logged.length
    const plugin = await resolvePlugin('storage', fixture('good'), {
      allow: [fixture('good')],
      require: ['atomicBatch'],
    })
    expect(plugin.name).to.equal('good')
    expect(logged).to.have.length(before)
  })
})
