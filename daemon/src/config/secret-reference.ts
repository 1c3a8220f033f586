import { open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { WarderError } from '@warder/contract'

/** Where a secret is: no secret itself ever stands in the configuration. */
export type SecretReference =
  | { readonly kind: 'file'; readonly path: string }
  /** A file of this name below `$CREDENTIALS_DIRECTORY` (systemd.exec(5), LoadCredential). */
  | { readonly kind: 'credential'; readonly name: string }

const credentialName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/
const mostBytes = 1 << 20

/** `file:/path`, `credential:name`, or an absolute path alone. `undefined` for anything else. */
export function parseSecretReference(text: string): SecretReference | undefined {
  if (text.startsWith('credential:')) {
    const name = text.slice('credential:'.length)
    return credentialName.test(name) ? { kind: 'credential', name } : undefined
  }
  const path = text.startsWith('file:') ? text.slice('file:'.length) : text
  return isAbsolute(path) && !path.includes('\0') ? { kind: 'file', path } : undefined
}

export const isSecretReference = (text: string): boolean => parseSecretReference(text) !== undefined

/** The file behind a reference that root reads: a credential's is in the directory that the units load from. */
export function sourceOf(text: string, credentialsDir: string): string {
  const reference = required(text)
  return reference.kind === 'file' ? reference.path : join(credentialsDir, reference.name)
}

/**
 * Reads a secret as the running service does. The caller zeroes it.
 * @throws WarderError `config-invalid` when it is not there, too long, or everybody on the machine may read it.
 */
export async function readSecret(text: string, environment: NodeJS.ProcessEnv): Promise<Uint8Array> {
  const reference = required(text)
  if (reference.kind === 'file') return readPrivately(reference.path)
  const directory = environment['CREDENTIALS_DIRECTORY']
  if (directory === undefined || directory === '') {
    throw unusable(`There is no credential ${reference.name}: this process was started without credentials.`)
  }
  return readPrivately(join(directory, reference.name))
}

export async function readPrivately(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, size } = await file.stat()
      if ((mode & 0o007) !== 0) throw unusable(`Everybody may use ${path}: chmod it to 0600.`)
      if (size > mostBytes) throw unusable(`${path} is too long for a secret.`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (WarderError.is(error)) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'failed'
    throw unusable(`${path} cannot be read (${code}).`, error)
  }
}

function required(text: string): SecretReference {
  const reference = parseSecretReference(text)
  if (reference === undefined) throw new TypeError('not a reference to a secret')
  return reference
}

function unusable(message: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', message, { cause })
}
