import { CliError } from '../failure.ts'
import { readWhole } from '../input.ts'
import { printThing } from '../print.ts'
import { askSecret, canAsk } from '../prompt.ts'
import { withRemote } from '../remote.ts'
import { type NewKeyFlags, newKeyOf } from './create.ts'
import { readMaterial } from './material.ts'
import { keyFields } from './view.ts'
import { wrapForImport } from './wrap-for-import.ts'

export interface KeyImportFlags extends NewKeyFlags {
  readonly algorithm?: string
  readonly passphraseFile?: string
}

const materialLimit = 64 * 1024

/** The key is in this process's memory while it is wrapped; nothing but the wrapped form leaves it. */
export async function keyImport(name: string, file: string, flags: KeyImportFlags): Promise<void> {
  const bytes = await readWhole(file, materialLimit)
  try {
    const material = await readMaterial(bytes, flags.algorithm, () => readPassphrase(flags))
    try {
      await withRemote(flags, async ({ client, space }) => {
        const params = { space }
        const under = (await client.call('getImportKey', { params })).body
        const body = {
          ...newKeyOf(name, flags),
          algorithm: material.algorithm,
          importKey: under.id,
          wrapped: Buffer.from(wrapForImport(material.bytes, under)).toString('base64'),
          spki: material.spki?.toString('base64'),
        }
        const { idempotencyKey } = flags
        const made = await client.call('importKey', { params, body }, { idempotencyKey })
        await printThing(flags.format, made.body, keyFields)
      })
    } finally {
      material.bytes.fill(0)
    }
  } finally {
    bytes.fill(0)
  }
}

async function readPassphrase(flags: KeyImportFlags): Promise<Uint8Array> {
  if (flags.passphraseFile !== undefined) {
    const line = await readWhole(flags.passphraseFile, 4096)
    const end = line.at(-1) === 0x0a ? line.length - 1 : line.length
    return line.subarray(0, end)
  }
  if (canAsk(flags)) return askSecret('Passphrase of the private key: ')
  throw new CliError('The private key has a passphrase.', '--passphrase-file FILE')
}
