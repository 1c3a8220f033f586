import { createPublicKey } from 'node:crypto'
import type { OaepAlgorithm } from '@warder/contract'
import { type Encoding, writeBytes } from '../encoding.ts'
import { CliError } from '../failure.ts'
import { asData } from '../format.ts'
import { readWhole } from '../input.ts'
import type { OutFlags } from '../output-file.ts'
import { note, printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'

export interface KeyExportFlags extends RemoteFlags, OutFlags {
  readonly recipient: string
  readonly oaep?: OaepAlgorithm
  readonly keyVersion?: number
  readonly encoding: Encoding
}

export async function keyExport(key: string, flags: KeyExportFlags): Promise<void> {
  const recipient = await readRecipient(flags.recipient)
  await withRemote(flags, async ({ client, space }) => {
    const body = { recipient, oaep: flags.oaep, version: flags.keyVersion }
    const taken = (await client.call('exportKey', { params: { space, key }, body })).body
    const format = asData(flags)
    if (format !== undefined) return printData(format, taken)
    await writeBytes(Buffer.from(taken.wrapped, 'base64'), flags)
    note(`version ${taken.version} of ${key}, wrapped with ${taken.oaep} and AES key wrap with padding`)
  })
}

async function readRecipient(file: string): Promise<string> {
  const pem = await readWhole(file, 64 * 1024)
  if (pem.includes('PRIVATE KEY')) {
    throw new CliError(`${file} holds a private key.`, `openssl pkey -in ${file} -pubout writes its public half`)
  }
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64')
  } catch (cause) {
    throw new CliError(`${file} holds no public key as PEM.`, undefined, cause)
  }
}
