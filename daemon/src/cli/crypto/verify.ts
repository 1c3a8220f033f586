import { decode } from '../encoding.ts'
import { readWhole } from '../input.ts'
import { withRemote } from '../remote.ts'
import { algorithmFor, readMessage } from './message.ts'
import type { SigningFlags } from './sign.ts'
import { printVerdict } from './verdict.ts'

export async function verify(
  file: string | undefined,
  flags: SigningFlags & { readonly signature: string },
): Promise<void> {
  const signature = decode(await readWhole(flags.signature, 64 * 1024)).toString('base64')
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key: flags.key }
    const message = await readMessage(file, () => algorithmFor(client, params, flags.algorithm))
    const body = { algorithm: flags.algorithm, ...message, format: flags.form, version: flags.keyVersion, signature }
    const found = (await client.call('verify', { params, body })).body
    await printVerdict(flags.format, found, `${found.algorithm}, version ${found.version} of ${flags.key}`)
  })
}
