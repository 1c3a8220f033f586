import { createReadStream } from 'node:fs'
import { CliError } from './failure.ts'

/** `-` and nothing at all are stdin. */
export const isStdin = (file: string | undefined): boolean => file === undefined || file === '-'

/** The bytes of a file, or of stdin, as they come. @throws CliError when it cannot be read */
export async function* readInput(file: string | undefined): AsyncGenerator<Buffer> {
  const stream = file === undefined || file === '-' ? process.stdin : createReadStream(file)
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch (cause) {
    throw unreadable(file ?? 'standard input', cause)
  }
}

/** A whole small file. @throws CliError when it cannot be read or is longer than `limit` bytes */
export async function readWhole(file: string | undefined, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of readInput(file)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) throw new CliError(`${isStdin(file) ? 'Standard input' : file} is longer than ${limit} bytes.`)
  }
  return Buffer.concat(chunks)
}

export function unreadable(file: string, cause: unknown): CliError {
  const { code } = cause as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? String(cause)})`
  return new CliError(`${file} ${why}.`, undefined, cause)
}
