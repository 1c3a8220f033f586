import type { SignatureAlgorithm } from '@warder/contract'
import { type Encoding, writeBytes } from '../encoding.ts'
import { asData } from '../format.ts'
import type { OutFlags } from '../output-file.ts'
import { printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { algorithmFor, readMessage } from './message.ts'

export interface SigningFlags extends RemoteFlags {
  readonly key: string
  readonly algorithm?: SignatureAlgorithm
  readonly form?: 'der' | 'raw'
  readonly keyVersion?: number
}

export interface SignFlags extends SigningFlags, OutFlags {
  readonly encoding: Encoding
}

export async function sign(file: string | undefined, flags: SignFlags): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key: flags.key }
    const message = await readMessage(file, () => algorithmFor(client, params, flags.algorithm))
    const body = { algorithm: flags.algorithm, ...message, format: flags.form, version: flags.keyVersion }
    const signed = (await client.call('sign', { params, body })).body
    const format = asData(flags)
    if (format !== undefined) return printData(format, signed)
    await writeBytes(Buffer.from(signed.signature, 'base64'), flags)
  })
}
