import { rm } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import { loadConfig } from '../config/load.ts'
import { parsePluginConfig } from '../config/plugin-config.ts'
import type { Config } from '../config/schema.ts'
import { secretsOf, tokenConfigs } from '../config/tokens.ts'
import { lendCredentials, lendOperatorSecret } from '../init/lend-secrets.ts'
import { resolvePlugin } from '../plugins/resolve.ts'
import { requireUser } from '../serve/require-user.ts'
import { asUser, findUser, isRoot, type User } from '../systemd/accounts.ts'
import { type DoctorFinding, notChecked } from './finding.ts'
import { compareTokens } from './tokens.ts'

const answerMs = 120_000

/**
 * Has the HSM plugin look at its token, as the user of the HSM hosts and with copies of the PIN such as those get.
 * @throws WarderError when the configuration does not load, or another user than root and that one asks.
 */
export async function examineToken(
  file: string,
  askOperator: () => Promise<Uint8Array>,
): Promise<readonly DoctorFinding[]> {
  const config = await loadConfig(file)
  const { hsm, plugins } = config
  const name = hsm.user ?? config.user
  const owner = name === undefined ? undefined : await findUser(name)
  if (!isRoot()) await requireUser('hsm.user', name)
  const plugin = await resolvePlugin('hsm', hsm.plugin, plugins)
  if (plugin.selfTest === undefined) {
    return [notChecked('token', `the plugin ${plugin.name} has no self-test`)]
  }
  return withCredentials(config, owner, async lent => {
    const lentTo = await lendOperatorSecret(tokenConfigs(hsm), lent, askOperator, owner)
    const place = { kind: 'hsm', specifier: hsm.plugin } as const
    const [first, ...others] = await Promise.all(lentTo.map(each => parsePluginConfig(place, plugin, each)))
    const op = { signal: AbortSignal.timeout(answerMs) }
    return asUser(owner, async () => {
      if (others.length === 0) return plugin.selfTest?.(first, op) ?? []
      const all = [first, ...others]
      const found: DoctorFinding[] = []
      for (const [index, own] of all.entries()) {
        const peers = all.filter(each => each !== own)
        for (const finding of (await plugin.selfTest?.(own, op, peers)) ?? [])
          found.push({ ...finding, check: `token ${index + 1}: ${finding.check}` })
      }
      return [
        ...found,
        await compareTokens(
          plugin,
          { config: first, peers: others, credentialsDir: process.env['CREDENTIALS_DIRECTORY'] ?? lent },
          op,
        ),
      ]
    })
  })
}

/** Lends a directory with what the service manager would give; credentials that it has given already are left to it. */
async function withCredentials<T>(
  { hsm, credentialsDir }: Config,
  owner: User | undefined,
  fn: (lent: string) => Promise<T>,
): Promise<T> {
  const given = process.env['CREDENTIALS_DIRECTORY']
  const names =
    given === undefined ? secretsOf(hsm).flatMap(({ kind, value }) => (kind === 'credential' ? [value] : [])) : []
  const lent = await lendCredentials(credentialsDir, [...new Set(names)], owner).catch((cause: unknown) => {
    if (!WarderError.is(cause)) throw cause
    throw new WarderError('config-invalid', `${cause.message} Run this as root.`, { cause })
  })
  if (given === undefined) process.env['CREDENTIALS_DIRECTORY'] = lent
  try {
    return await fn(lent)
  } finally {
    if (given === undefined) delete process.env['CREDENTIALS_DIRECTORY']
    await rm(lent, { recursive: true, force: true })
  }
}
