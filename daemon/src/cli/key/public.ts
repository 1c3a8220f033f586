import { asData } from '../format.ts'
import { type OutFlags, withOutput } from '../output-file.ts'
import { printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'

export interface KeyPublicFlags extends RemoteFlags, OutFlags {
  readonly keyVersion?: number
  readonly form: 'pem' | 'der'
}

export async function keyPublic(key: string, flags: KeyPublicFlags): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const query = { version: flags.keyVersion?.toString() }
    const { body } = await client.call('getPublicKey', { params: { space, key }, query })
    const format = asData(flags)
    if (format !== undefined) return printData(format, body)
    const bytes = flags.form === 'pem' ? Buffer.from(body.pem) : Buffer.from(body.spki, 'base64')
    await withOutput(flags, write => write(bytes))
  })
}
