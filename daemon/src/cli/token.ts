import { stat } from 'node:fs/promises'
import { CliError } from './failure.ts'
import { isStdin, readWhole, unreadable } from './input.ts'
import { askSecret, canAsk } from './prompt.ts'

const form = /^[\x21-\x7e]{1,512}$/

/**
 * The API key: of the file, of stdin when that is `-`, else typed by the person. Whoever takes it zeroes it.
 * @throws CliError when there is none, or when everybody on this machine can read the file
 */
export async function readToken(file: string | undefined, flags: { readonly input: boolean }): Promise<Uint8Array> {
  if (file === undefined && !canAsk(flags)) {
    throw new CliError(
      'No API key is named.',
      '--token-file FILE, WARDER_TOKEN_FILE, or token_file in ~/.config/warder/cli.toml',
    )
  }
  const bytes = file === undefined ? await askSecret('API key: ') : await readTokenFile(file)
  const text = Buffer.from(bytes).toString('latin1').trim()
  bytes.fill(0)
  if (!form.test(text)) throw new CliError(`${file ?? 'What you typed'} is no API key.`)
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

async function readTokenFile(file: string): Promise<Uint8Array> {
  if (isStdin(file)) return readWhole(file, 4096)
  const { mode } = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if ((mode & 0o007) !== 0)
    throw new CliError(`Everybody on this machine may use the API key in ${file}.`, `chmod 600 ${file}`)
  return readWhole(file, 4096)
}
