import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type HsmPlugin, type Op, type ProvisioningFiles, WarderError } from '@warder/contract'
import { loadConfig } from '../config/load.ts'
import { parsePluginConfig } from '../config/plugin-config.ts'
import type { PluginReference } from '../config/references.ts'
import type { Config } from '../config/schema.ts'
import { secretsOf, tokenConfigs } from '../config/tokens.ts'
import { requireShared, resolvePlugin } from '../plugins/resolve.ts'
import { requireUser } from '../serve/require-user.ts'
import { asUser, findUser, isRoot, type User } from '../systemd/accounts.ts'
import { makeDirectory } from './directories.ts'
import { lendCredentials, lendOperatorSecret, writeNew } from './lend-secrets.ts'
import type { Say } from './tls-material.ts'

/** The credential of the security officer's PIN. */
export const soPin = 'hsm-so-pin'
const provisionMs = 120_000

export interface ProvisioningOptions {
  readonly file: string
  /** Initialise a free token, with PINs made here where there are none. */
  readonly newToken: boolean
  readonly say: Say
  /** The operator's PIN, where the configuration leaves it to the operator. Zeroed here. */
  readonly askOperator: () => Promise<Uint8Array>
}

/** What is done to the tokens, the main one and its peers, and what comes of it. `undefined` for a plugin that does no such thing. */
export type Step<T> = (
  plugin: HsmPlugin,
) => ((config: unknown, files: ProvisioningFiles, op: Op, peers?: readonly unknown[]) => Promise<T>) | undefined

/**
 * Has the plugin that the configuration names do something to its token, or to all of several, and answers what came of it. A token or a PIN that is
 * there is kept. New PINs are durable before a token learns them. The plugin runs as the user of the HSM hosts, and gets copies
 * of the PINs in memory, as the service manager would give them.
 *
 * @throws WarderError `unsupported-mechanism` with `unable` when the plugin does no such thing; else what it refuses with.
 */
export async function provisioning<T>(
  { file, newToken, say, askOperator }: ProvisioningOptions,
  unable: string,
  step: Step<T>,
): Promise<T> {
  const config = await loadConfig(file)
  const { hsm, plugins, credentialsDir } = config
  const owner = hsm.user === undefined ? undefined : await findUser(hsm.user)
  if (!isRoot()) await requireUser('hsm.user', hsm.user)
  const plugin = await resolvePlugin('hsm', hsm.plugin, plugins)
  if (tokenConfigs(hsm).length > 1) requireShared(plugin, { kind: 'hsm', specifier: hsm.plugin })
  const act = step(plugin)
  if (act === undefined) {
    throw new WarderError('unsupported-mechanism', `The plugin ${plugin.name} ${unable}: see its documentation.`)
  }
  const names = credentialNames(config, newToken)
  if (newToken) {
    await makePins(credentialsDir, names, say)
    await makePinFiles(secretsOf(hsm), owner, say)
  }
  const absent = names.map(name => join(credentialsDir, name)).find(path => !existsSync(path))
  if (absent !== undefined) {
    throw new WarderError(
      'config-invalid',
      `There is no ${absent}: put the token's PIN there (mode 0600), or use --new-token.`,
    )
  }
  const lent = await lendCredentials(credentialsDir, names, owner)
  try {
    const lentTo = await lendOperatorSecret(tokenConfigs(hsm), lent, askOperator, owner)
    const place = { kind: 'hsm', specifier: hsm.plugin } as const
    const [parsed, ...peers] = await Promise.all(lentTo.map(each => parsePluginConfig(place, plugin, each)))
    const soPinFile = newToken ? join(lent, soPin) : undefined
    const op = { signal: AbortSignal.timeout(provisionMs) }
    const files = { credentialsDir: lent, soPinFile }
    return await asUser(owner, () => (peers.length > 0 ? act(parsed, files, op, peers) : act(parsed, files, op)))
  } finally {
    await rm(lent, { recursive: true, force: true })
  }
}

function credentialNames({ hsm }: Config, newToken: boolean): readonly string[] {
  const named = secretsOf(hsm).flatMap(({ kind, value }) => (kind === 'credential' ? [value] : []))
  return newToken ? [...new Set([...named, soPin])] : [...new Set(named)]
}

async function makePins(directory: string, names: readonly string[], say: Say): Promise<void> {
  if (names.length > 0) await makeDirectory(directory, { mode: 0o700, uid: 0, gid: 0 })
  for (const name of names) {
    const path = join(directory, name)
    if (existsSync(path)) continue
    await writePin(path)
    say(madePin(path))
  }
}

/** Where the configuration names a file: it is that of the user who reads it. */
async function makePinFiles(references: readonly PluginReference[], owner: User | undefined, say: Say): Promise<void> {
  for (const { kind, value } of references) {
    if (kind !== 'file' || existsSync(value)) continue
    await writePin(value)
    if (owner !== undefined && isRoot()) await chown(value, owner.uid, owner.gid)
    say(madePin(value))
  }
}

const madePin = (path: string): string => `made a PIN: ${path}; keep a copy where this machine cannot take it with it`

/** 160 bits in hexadecimal: fits the longest PIN that tokens commonly take, and stays readable when typed. */
async function writePin(path: string): Promise<void> {
  const random = randomBytes(20)
  const digits = Buffer.alloc(41, '\n')
  try {
    digits.write(random.toString('hex'), 'latin1')
    await writeNew(path, digits)
  } finally {
    random.fill(0)
    digits.fill(0)
  }
}
