import type { OaepAlgorithm } from '@warder/contract'
import type { WarderClient } from '../../client/client.ts'
import { decode } from '../encoding.ts'
import { CliError } from '../failure.ts'
import { asData } from '../format.ts'
import { withInputProgress } from '../input-progress.ts'
import { readInput } from '../input.ts'
import { type OutFlags, toTerminal, withOutput } from '../output-file.ts'
import { note, printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { type Begun, begin } from './begin.ts'
import { aadOf } from './encrypt.ts'
import { isFileV1, openFile, readHeader } from './file-v1.ts'

export interface DecryptFlags extends RemoteFlags, OutFlags {
  readonly key: string
  readonly algorithm?: OaepAlgorithm
  readonly aad?: string
  readonly keyVersion?: number
}

/** The longest ciphertext of one request as base64, with white space in it. */
const ciphertextLimit = 128 * 1024

export async function decrypt(file: string | undefined, flags: DecryptFlags): Promise<void> {
  const begun = await begin(readInput(file), ciphertextLimit)
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key: flags.key }
    if (isFileV1(begun.start)) {
      const decrypting = (all: AsyncIterable<Buffer>) => decryptFile(client, params, { ...begun, all }, flags)
      return withInputProgress('decrypting', file, begun.all, decrypting, { quiet: toTerminal(flags) })
    }
    if (!begun.whole) throw new CliError('This is neither a ciphertext nor a file that `warder encrypt` made.')
    const ciphertext = decode(begun.start).toString('base64')
    const opened = await open(client, params, ciphertext, flags)
    const format = asData(flags)
    if (format !== undefined) return printData(format, opened)
    const plaintext = Buffer.from(opened.plaintext, 'base64')
    await withOutput(flags, write => write(plaintext))
    plaintext.fill(0)
  })
}

type Params = { readonly space: string; readonly key: string }

async function decryptFile(
  client: WarderClient,
  params: Params,
  { start, all }: Begun,
  flags: DecryptFlags,
): Promise<void> {
  const { line, dataKey: wrapped, version } = readHeader(start)
  await withOutput(flags, async write => {
    const { plaintext } = await open(client, params, wrapped, { keyVersion: version, ...flags })
    const dataKey = Buffer.from(plaintext, 'base64')
    try {
      for await (const bytes of openFile(line, dataKey, without(line.length, all))) await write(bytes)
    } finally {
      dataKey.fill(0)
    }
  })
}

async function open(client: WarderClient, params: Params, ciphertext: string, flags: DecryptFlags) {
  const body = { ciphertext, algorithm: flags.algorithm, aad: aadOf(flags), version: flags.keyVersion }
  const opened = (await client.call('decrypt', { params, body })).body
  if (opened.compromised === true)
    note(`version ${opened.version} of ${flags.key} is compromised: others may have read this`)
  return opened
}

/** What comes after the first `count` bytes. */
async function* without(count: number, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = count
  for await (const part of input) {
    const skipped = Math.min(left, part.length)
    left -= skipped
    if (skipped < part.length) yield part.subarray(skipped)
  }
}
