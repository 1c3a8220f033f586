import type { OaepAlgorithm } from '@warder/contract'
import type { WarderClient } from '../../client/client.ts'
import { type Encoding, writeBytes } from '../encoding.ts'
import { CliError } from '../failure.ts'
import { asData } from '../format.ts'
import { withInputProgress } from '../input-progress.ts'
import { readInput } from '../input.ts'
import { type OutFlags, toTerminal, withOutput } from '../output-file.ts'
import { printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { begin } from './begin.ts'
import { sealFile } from './file-v1.ts'
import { messageLimit } from './message.ts'

export interface EncryptFlags extends RemoteFlags, OutFlags {
  readonly key: string
  readonly algorithm?: OaepAlgorithm
  readonly aad?: string
  readonly envelope?: boolean
  readonly keyVersion?: number
  readonly encoding: Encoding
}

export async function encrypt(file: string | undefined, flags: EncryptFlags): Promise<void> {
  const { start, whole, all } = await begin(readInput(file), messageLimit)
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key: flags.key }
    if (!whole || flags.envelope === true) {
      const quiet = toTerminal(flags)
      const encrypting = (input: AsyncIterable<Buffer>) => encryptFile(client, params, input, flags)
      return withInputProgress('encrypting', file, all, encrypting, { quiet })
    }
    const body = {
      plaintext: start.toString('base64'),
      algorithm: flags.algorithm,
      aad: aadOf(flags),
      version: flags.keyVersion,
    }
    const encrypted = (await client.call('encrypt', { params, body })).body
    const format = asData(flags)
    if (format !== undefined) return printData(format, encrypted)
    await writeBytes(Buffer.from(encrypted.ciphertext, 'base64'), flags)
  })
  start.fill(0)
}

async function encryptFile(
  client: WarderClient,
  params: { readonly space: string; readonly key: string },
  plaintext: AsyncIterable<Buffer>,
  flags: EncryptFlags,
): Promise<void> {
  if (flags.algorithm !== undefined || flags.keyVersion !== undefined) {
    const why = 'The data key of a file is encrypted as the key does by itself, under its primary version.'
    throw new CliError(why, 'leave --algorithm and --key-version out')
  }
  // The output is opened first: a data key that cannot be used is not asked for.
  await withOutput(flags, async write => {
    const { body } = await client.call('generateDataKey', { params, body: { length: 32, aad: aadOf(flags) } })
    const dataKey = Buffer.from(body.plaintext, 'base64')
    try {
      const header = { ...params, version: body.version, dataKey: body.ciphertext }
      for await (const bytes of sealFile(header, dataKey, plaintext)) await write(bytes)
    } finally {
      dataKey.fill(0)
    }
  })
}

/** Additional data is text; as bytes it is UTF-8. */
export function aadOf({ aad }: { readonly aad?: string }): string | undefined {
  return aad === undefined ? undefined : Buffer.from(aad).toString('base64')
}
