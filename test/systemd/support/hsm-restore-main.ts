import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { WrappedRootKey } from '@warder/contract'
import { hsmRestore } from '../../../daemon/src/cli/hsm-restore.ts'
import { run } from '../../../daemon/src/cli/run.ts'

/** What a backup would hold of root keys, as JSON: the file that the command is run with here. */
export interface PlainRootKeys {
  readonly keys: readonly (Omit<WrappedRootKey, 'wrapped'> & { readonly wrapped: string })[]
}

/** Tests only: `warder-hsm restore`, from such a file. Arguments: file, private key, configuration, `--new-token`. */
const [from = '', keyFile = '', config = '', newToken] = process.argv.slice(2)

await run('warder-hsm', async () => {
  const key = createPrivateKey(await readFile(keyFile))
  await hsmRestore({ from, config, newToken: newToken !== undefined }, key, async file => {
    const { keys } = JSON.parse(await readFile(file, 'utf8')) as PlainRootKeys
    return keys.map(each => ({ ...each, wrapped: new Uint8Array(Buffer.from(each.wrapped, 'base64')) }))
  })
})
