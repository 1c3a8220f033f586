import { decode, type Encoding, writeBytes } from '../encoding.ts'
import { asData } from '../format.ts'
import { readWhole } from '../input.ts'
import type { OutFlags } from '../output-file.ts'
import { printData } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { messageLimit } from './message.ts'
import { printVerdict } from './verdict.ts'

export interface MacFlags extends RemoteFlags, OutFlags {
  readonly key: string
  readonly keyVersion?: number
  readonly encoding: Encoding
  readonly verify?: string
}

export async function mac(file: string | undefined, flags: MacFlags): Promise<void> {
  const body = { input: (await readWhole(file, messageLimit)).toString('base64'), version: flags.keyVersion }
  const toCheck = flags.verify === undefined ? undefined : await readMac(flags.verify)
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key: flags.key }
    if (toCheck !== undefined) {
      const found = (await client.call('verifyMac', { params, body: { ...body, mac: toCheck } })).body
      return printVerdict(flags, found)
    }
    const made = (await client.call('mac', { params, body })).body
    const format = asData(flags)
    if (format !== undefined) return printData(format, made)
    await writeBytes(Buffer.from(made.mac, 'base64'), flags)
  })
}

/** Of this program in any encoding; hexadecimal is told from base64 by the lengths that a MAC can have. */
async function readMac(file: string): Promise<string> {
  const bytes = await readWhole(file, 4096)
  const text = bytes.toString('latin1').trim()
  const hex = /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/.test(text)
  return (hex ? Buffer.from(text, 'hex') : decode(bytes)).toString('base64')
}
