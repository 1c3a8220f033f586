import type { Answered } from '../../client/types.ts'
import { withOutput, type OutFlags } from '../output-file.ts'
import { type Format, note, type Pairs, printData } from '../print.ts'

export type ApiKey = Answered<'revokeApiKey'>
type NewApiKey = Answered<'createApiKey'>

export function apiKeyFields(apiKey: ApiKey): Pairs {
  return [
    ['id', apiKey.id],
    ['identity', apiKey.identity],
    ['spaces', spacesOf(apiKey)],
    ['permissions', apiKey.permissions.join(', ')],
    ['expires', apiKey.expiresAt ?? 'never'],
    ['revoked', apiKey.revokedAt ?? 'no'],
    ['created', `${apiKey.createdAt} by ${apiKey.createdBy}`],
  ]
}

export const spacesOf = ({ spaces }: ApiKey): string => (spaces === '*' ? '*' : spaces.join(', '))

export type Made = { readonly format: Format } & OutFlags

/**
 * Lends a way to hand out the key that is shown this once, before it is made: a file that cannot be written must not cost it.
 */
export async function handOut(flags: Made, make: () => Promise<NewApiKey>): Promise<NewApiKey> {
  return withOutput(flags, async write => {
    const made = await make()
    const { apiKey, secret } = made
    const { format, out } = flags
    if (format !== 'table') await printData(format, out === undefined ? made : { apiKey })
    if (format === 'table' || out !== undefined) await write(Buffer.from(`${secret}\n`))
    note(`API key ${apiKey.id} of ${apiKey.identity} works until ${apiKey.expiresAt ?? 'it is revoked'}`)
    return made
  })
}
