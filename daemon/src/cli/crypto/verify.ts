import { decode } from '../encoding.ts'
import { CliError } from '../failure.ts'
import { readWhole } from '../input.ts'
import { withRemote } from '../remote.ts'
import { algorithmFor, readMessage } from './message.ts'
import type { SigningFlags } from './sign.ts'
import { printVerdict } from './verdict.ts'

export interface VerifyFlags extends Omit<SigningFlags, 'key'> {
  readonly key?: string
  readonly signature?: string
}

export async function verify(
  file: string | undefined,
  { key, signature: signatureFile, ...flags }: VerifyFlags,
): Promise<void> {
  if (key === undefined) throw new CliError('Which key?', '--key NAME')
  if (signatureFile === undefined) throw new CliError('Where is the signature?', '--signature FILE')
  const signature = decode(await readWhole(signatureFile, 64 * 1024)).toString('base64')
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key }
    const message = await readMessage(file, () => algorithmFor(client, params, flags.algorithm))
    const body = { algorithm: flags.algorithm, ...message, format: flags.form, version: flags.keyVersion, signature }
    const found = (await client.call('verify', { params, body })).body
    await printVerdict({ ...flags, key }, found, found.algorithm)
  })
}
