import { type Encoding, writeBytes } from '../encoding.ts'
import { asData } from '../format.ts'
import type { OutFlags } from '../output-file.ts'
import { printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'

export async function random(
  length: number,
  flags: RemoteFlags & OutFlags & { readonly encoding: Encoding },
): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const { body } = await client.call('random', { body: { length } })
    const format = asData(flags)
    if (format !== undefined) return printData(format, body)
    const bytes = Buffer.from(body.bytes, 'base64')
    await writeBytes(bytes, flags)
    bytes.fill(0)
  })
}
