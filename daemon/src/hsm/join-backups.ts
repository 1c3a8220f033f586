import { type RootKeyBackup, WarderError, type WrappedRootKey } from '@warder/contract'

/**
 * What several tokens that share root keys have for a backup, each root key once. One is missing when no token has it
 * wrapped: those that a token told of, and those of `known` numbers that no token in reach has.
 *
 * @throws WarderError `config-invalid` when the tokens have recipients that are not the same
 */
export function joinBackups(backups: readonly RootKeyBackup[], known: readonly number[]): RootKeyBackup {
  const recipients = backups.map(({ recipient }) => Buffer.from(recipient ?? []).toString('base64'))
  if (new Set(recipients).size > 1) {
    throw new WarderError(
      'config-invalid',
      'The tokens have different backup recipients: give all of them the same one',
      {
        facts: { field: 'hsm.tokens' },
      },
    )
  }
  const keys = new Map<string, WrappedRootKey>(
    backups.flatMap(backup => backup.keys.map(key => [`${key.purpose}/${key.number}`, key] as const)),
  )
  const told = backups.flatMap(({ missing }) => missing)
  const away = known.map(number => `kek/${number}`)
  const missing = [...new Set([...told, ...away])].filter(name => !keys.has(name))
  return { recipient: backups[0]?.recipient, keys: [...keys.values()], missing }
}
