import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { requireRunDirectory, runDirectoryFault } from '../hsm/run-directory.ts'
import { type PluginKind, type PluginKinds, resolvePlugin } from '../plugins/resolve.ts'
import { expiryHealth, readTlsFiles } from '../serve/tls-pair.ts'
import { findUser } from '../systemd/accounts.ts'
import { sharingOf } from '../systemd/sharing.ts'
import { unitDirectories } from '../systemd/units.ts'
import { dropInNotes, dropInsFor, type Reach } from './drop-ins.ts'
import { checkFile } from './file-traits.ts'
import { error, type Finding, note, warning } from './finding.ts'
import { readConfig } from './load.ts'
import { checkPluginConfig, type PluginIssue } from './plugin-config.ts'
import type { Config } from './schema.ts'
import { parseSecretReference, type SecretReference, sourceOf } from './secret-reference.ts'
import type { Sources } from './sources.ts'
import { placeOf, secretsOf, tokenConfigs } from './tokens.ts'
import { type UnitPlaces, unloadedCredentials } from './unit-credentials.ts'

/**
 * Everything that can be said about a configuration without starting the appliance: its text, its plugins and their
 * configuration, the accounts, the files with their modes and owners, the certificate, the drop-ins that the units need.
 * Imports plugins; opens no token, no storage and no journal, and writes nothing.
 */
export async function checkConfig(
  file: string,
  directories?: readonly string[],
  credstore?: string,
): Promise<readonly Finding[]> {
  const { findings } = await checkConfigByArea(file, directories, credstore)
  return Object.values(findings).flat()
}

/** What findings are about. */
export const configAreas = ['configuration', 'accounts', 'plugins', 'files', 'TLS', 'PIN', 'drop-ins'] as const
export type ConfigArea = (typeof configAreas)[number]

export interface CheckedConfig {
  /** `undefined` when it cannot be loaded; then there are findings about `configuration` alone. */
  readonly config: Config | undefined
  /** By area, in the order of {@link configAreas}. */
  readonly findings: Readonly<Record<ConfigArea, readonly Finding[]>>
}

/** The same as {@link checkConfig}, sorted by what it is about. */
export async function checkConfigByArea(
  file: string,
  directories: readonly string[] = unitDirectories,
  credstore = '/etc/credstore.encrypted',
): Promise<CheckedConfig> {
  const nothing = { configuration: [], accounts: [], plugins: [], files: [], TLS: [], PIN: [], 'drop-ins': [] }
  const loaded = await readConfig(file)
  if (loaded.findings !== undefined)
    return { config: undefined, findings: { ...nothing, configuration: loaded.findings } }
  const { config, sources } = loaded
  const accounts = await checkAccounts(config, sources)
  const storage = await checkPlugin('storage', config, sources)
  const hsm = await checkPlugin('hsm', config, sources)
  const needed = dropInsFor(config, { storage: storage.reach, hsm: hsm.reach })
  return {
    config,
    findings: {
      configuration: await checkSources(sources),
      accounts: accounts.findings,
      plugins: [...storage.findings, ...hsm.findings],
      files: await checkDirectories(config, accounts.owners, sources),
      TLS: await checkTls(config, accounts.owners, credstore),
      PIN: [
        ...(await checkCredentials(config, accounts.hsmOwners, credstore)),
        ...(await checkUnitCredentials(config, { file, credstore, unitDirectories: directories })),
      ],
      'drop-ins': dropInNotes(needed, directories[0]),
    },
  }
}

interface Accounts {
  readonly findings: readonly Finding[]
  /** Who may own what the API process trusts, and what the HSM hosts trust. */
  readonly owners: readonly number[]
  readonly hsmOwners: readonly number[]
}

async function checkAccounts(config: Config, sources: Sources): Promise<Accounts> {
  const findings: Finding[] = []
  const lookUp = async <T>(field: readonly string[], find: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await find()
    } catch (cause) {
      if (!WarderError.is(cause)) throw cause
      findings.push(error(sources.locate(field), cause.message))
      return undefined
    }
  }
  const { user, hsm } = config
  const me = process.geteuid?.() ?? 0
  const api = user === undefined ? undefined : await lookUp(['user'], () => findUser(user))
  const sharing = await lookUp(['hsm', 'user'], () => sharingOf(hsm))
  return {
    findings,
    owners: [0, api?.uid ?? me].filter(unique),
    hsmOwners: [0, sharing?.uid ?? api?.uid ?? me].filter(unique),
  }
}

const unique = <T>(value: T, index: number, all: readonly T[]): boolean => all.indexOf(value) === index

/** Who may write the configuration decides what code runs. */
async function checkSources({ files }: Sources): Promise<Finding[]> {
  const me = process.geteuid?.() ?? 0
  const expected = {
    kind: 'file',
    forbidden: 0o022,
    owners: [0, me].filter(unique),
    what: 'the configuration',
  } as const
  return (await Promise.all(files.map(file => checkFile(file, expected)))).flat()
}

interface CheckedPlugin {
  readonly findings: readonly Finding[]
  readonly reach: Reach
}

async function checkPlugin(kind: PluginKind, config: Config, sources: Sources): Promise<CheckedPlugin> {
  const { plugin: specifier, config: own } = config[kind]
  let plugin: PluginKinds[PluginKind]
  try {
    plugin = await resolvePlugin(kind, specifier, config.plugins)
  } catch (cause) {
    if (!WarderError.is(cause)) throw cause
    return { findings: [error(sources.locate([kind, 'plugin']), `${cause.message}.`)], reach: [] }
  }
  const checked = kind === 'hsm' ? await checkTokens(plugin, config.hsm) : await checkOwn(plugin, own)
  const findings = checked.issues.map(({ path, message }) => {
    return error(sources.locate(path), `${path.join('.')}: ${message} (plugin ${plugin.name}).`)
  })
  // nothing is said of drop-ins before that is mended
  return { findings, reach: findings.length > 0 ? [] : checked.reach }
}

interface CheckedOwn {
  /** With their places in the whole configuration. */
  readonly issues: readonly PluginIssue[]
  readonly reach: Reach
}

async function checkOwn(plugin: PluginKinds['storage' | 'hsm'], own: unknown): Promise<CheckedOwn> {
  const checked = await checkPluginConfig(plugin, own)
  if (checked.issues === undefined) return { issues: [], reach: reachOf(plugin, checked.value) }
  return {
    issues: checked.issues.map(issue => ({ ...issue, path: [plugin.kind, 'config', ...issue.path] })),
    reach: [],
  }
}

/** The configuration of each token. What is wrong with what they have in common is said once. */
async function checkTokens(plugin: PluginKinds[PluginKind], hsm: Config['hsm']): Promise<CheckedOwn> {
  const configs = tokenConfigs(hsm)
  const each = await Promise.all(configs.map(own => checkOwn(plugin, own)))
  const issues = each.flatMap((one, index) =>
    one.issues.map(issue => ({ ...issue, path: [...placeOf(hsm, index, issue.path.slice(2))] })),
  )
  const once = issues.filter(
    ({ path, message }, index) =>
      issues.findIndex(other => other.message === message && other.path.join('.') === path.join('.')) === index,
  )
  const lacks = configs.length > 1 && (plugin.kind !== 'hsm' || plugin.supports.shared !== true)
  const unable = { path: ['hsm', 'tokens'], message: 'its tokens cannot share root keys: take [[hsm.tokens]] out' }
  const reaches = each.map(({ reach }) => reach)
  return {
    issues: lacks ? [...once, unable] : once,
    reach: reaches.some(reach => reach === undefined) ? undefined : reaches.flatMap(reach => reach ?? []),
  }
}

/** Foreign code: one that fails has not told. */
function reachOf(plugin: { reaches?(config: unknown): Reach }, config: unknown): Reach {
  try {
    return plugin.reaches?.(config)
  } catch {
    return undefined
  }
}

async function checkDirectories(config: Config, owners: readonly number[], sources: Sources): Promise<Finding[]> {
  const data = { kind: 'directory', forbidden: 0o077, what: 'the data directory', make: 'run warder init' } as const
  const findings = await checkFile(config.dataDir, { ...data, owners })
  const { runDir } = config.hsm
  const present = await checkFile(runDir, {
    kind: 'directory',
    forbidden: 0o022,
    what: 'the HSM run directory',
    make: 'systemd-tmpfiles --create, or warder init',
  })
  findings.push(...present)
  if (present.length > 0) return findings
  const fault = await runDirectoryProblem(config, owners)
  if (fault !== undefined) findings.push(error(sources.locate(['hsm', 'runDir']), `hsm.runDir: ${fault}.`))
  return findings
}

async function runDirectoryProblem({ hsm }: Config, owners: readonly number[]): Promise<string | undefined> {
  try {
    const sharing = await sharingOf(hsm)
    if (sharing === undefined) return runDirectoryFault(await stat(hsm.runDir), owners.at(-1) ?? 0, 'client', sharing)
    await requireRunDirectory(hsm.runDir, 'client', sharing)
    return undefined
  } catch (cause) {
    if (!WarderError.is(cause)) throw cause
    // an account that is not there has a finding of its own
    return typeof cause.facts['reason'] === 'string' && cause.facts['field'] === 'runDir'
      ? cause.facts['reason']
      : undefined
  }
}

async function checkTls(config: Config, owners: readonly number[], credstore: string): Promise<Finding[]> {
  const { tls, credentialsDir } = config
  const make = tls.internalCa === undefined ? 'get one from your authority' : 'run warder init'
  const key = sourceOf(tls.key, credentialsDir)
  const credential = parseSecretReference(tls.key)?.kind === 'credential'
  const findings = [
    ...(await checkFile(tls.certificate, { kind: 'file', forbidden: 0o022, owners, what: 'tls.certificate', make })),
    ...(await checkPrivate(key, {
      what: 'tls.key',
      make,
      owners: credential ? [0, ...owners].filter(unique) : owners,
      encrypted: encryptedIn(credstore, parseSecretReference(tls.key)),
    })),
    ...(await checkAuthority(config)),
  ]
  if (findings.some(({ severity }) => severity === 'error')) return findings
  if (!(await readable(key))) {
    return findings.some(({ severity }) => severity === 'note') ? findings : [...findings, unseen(key)]
  }
  try {
    const pair = await readTlsFiles(tls.certificate, key)
    pair.privateKeyPem.fill(0)
    const { ok, detail } = expiryHealth(pair.notAfter, new Date())
    if (!ok) findings.push(warning(tls.certificate, `${detail}.`, 'warder tls renew'))
  } catch (cause) {
    if (!WarderError.is(cause)) throw cause
    return [...findings, error(tls.certificate, cause.message)]
  }
  return [...findings, ...(await checkNames(config))]
}

/** A certificate of our own must name what callers are told to use. */
async function checkNames({ tls }: Config): Promise<Finding[]> {
  const leaf = new X509Certificate(await readFile(tls.certificate))
  const missing = (tls.internalCa?.hosts ?? []).filter(
    host => (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) === undefined,
  )
  return missing.map(host =>
    warning(tls.certificate, `The certificate is not for ${host}: run warder tls renew.`, 'warder tls renew'),
  )
}

async function checkAuthority({ tls }: Config): Promise<Finding[]> {
  if (tls.internalCa === undefined) return []
  const { directory } = tls.internalCa
  const me = process.geteuid?.() ?? 0
  const what = "the certificate authority's directory"
  const owners = [0, me].filter(unique)
  return checkFile(directory, { kind: 'directory', forbidden: 0o077, owners, what, make: 'run warder init' })
}

/** The secrets that the HSM plugin's configuration refers to. */
async function checkCredentials(
  { hsm, credentialsDir }: Config,
  owners: readonly number[],
  credstore: string,
): Promise<Finding[]> {
  const found = secretsOf(hsm).map(({ path, kind, value }) =>
    checkPrivate(kind === 'file' ? value : join(credentialsDir, value), {
      what: `the secret of ${path.join('.')}`,
      make: 'put it there, or run warder-hsm init --new-token',
      owners,
      encrypted: encryptedIn(credstore, kind === 'credential' ? { kind, name: value } : undefined),
    }),
  )
  return (await Promise.all(found)).flat()
}

async function checkUnitCredentials(
  { hsm, credentialsDir }: Config,
  at: Omit<UnitPlaces, 'credentialsDir'>,
): Promise<Finding[]> {
  try {
    return await unloadedCredentials(secretsOf(hsm), { ...at, credentialsDir })
  } catch (cause) {
    const { code, path = '' } = cause as NodeJS.ErrnoException
    if (code !== 'EACCES') throw cause
    return [unseen(path)]
  }
}

interface Private {
  readonly what: string
  readonly make: string
  readonly owners: readonly number[]
  /** Where it may be instead, for the units alone to read (LoadCredentialEncrypted, systemd.exec(5)). */
  readonly encrypted: string | undefined
}

/** As the shipped drop-ins name it. */
function encryptedIn(credstore: string, reference: SecretReference | undefined): string | undefined {
  return reference?.kind === 'credential' ? join(credstore, `warder.${reference.name}`) : undefined
}

async function checkPrivate(path: string, { encrypted, ...expected }: Private): Promise<Finding[]> {
  if (encrypted !== undefined && !existsSync(path) && existsSync(encrypted)) {
    return [note(encrypted, `${expected.what} is encrypted to this machine: only its unit can read it.`)]
  }
  const findings = await checkFile(path, { kind: 'file', forbidden: 0o037, ...expected })
  // below a directory that only root enters nothing can be said by anyone else
  return findings.some(({ message }) => message.includes('(EACCES)')) ? [unseen(path)] : findings
}

function unseen(path: string): Finding {
  return note(path, 'Only root can check this: run warder config check as root.')
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
