import { openChunks, sealChunks } from '../../sealed-chunks.ts'
import { CliError } from '../failure.ts'

/**
 * `warder-file-v1`: a file of any length under a data key of its own.
 *
 *     <header: JSON, one line of at most 4,096 bytes>\n
 *     <chunk>…                                            at least one
 *
 * - The header is `{"format":"warder-file-v1","space":…,"key":…,"version":…,"dataKey":…}`: the data key (32 bytes) as the
 *   appliance encrypted it, base64, under which version of which key. It is authenticated, line feed and all, with every chunk.
 * - Chunks are as {@link sealChunks} makes them.
 */
export interface FileHeader {
  readonly space: string
  readonly key: string
  readonly version: number
  /** Base64. */
  readonly dataKey: string
}

const format = 'warder-file-v1'
const beginning = Buffer.from(`{"format":"${format}",`)
const lineLimit = 4096

/** Whether a file begins as one of these does. */
export const isFileV1 = (start: Uint8Array): boolean =>
  Buffer.compare(start.subarray(0, beginning.length), beginning) === 0

/** Encrypts what comes. `dataKey` is 32 bytes that are used for this one file. */
export async function* sealFile(
  header: FileHeader,
  dataKey: Uint8Array,
  plaintext: AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array> {
  const { space, key, version, dataKey: wrapped } = header
  const line = Buffer.from(`${JSON.stringify({ format, space, key, version, dataKey: wrapped })}\n`)
  yield line
  yield* sealChunks(line, dataKey, plaintext)
}

export interface OpenedHeader extends FileHeader {
  /** With its line feed, as it is authenticated. */
  readonly line: Uint8Array
}

/** The header at the start of a file, of which this is at least the first 4,096 bytes, or all. @throws CliError */
export function readHeader(start: Buffer): OpenedHeader {
  const end = start.subarray(0, lineLimit).indexOf(0x0a)
  let header: Partial<Record<keyof FileHeader, unknown>> | undefined
  try {
    header = end === -1 ? undefined : (JSON.parse(start.toString('utf8', 0, end)) as typeof header)
  } catch {
    throw damaged()
  }
  const { space, key, version, dataKey } = header ?? {}
  if (
    typeof space !== 'string' ||
    typeof key !== 'string' ||
    typeof dataKey !== 'string' ||
    !Number.isInteger(version)
  ) {
    throw damaged()
  }
  return { space, key, version: Number(version), dataKey, line: start.subarray(0, end + 1) }
}

/**
 * Decrypts what follows the header. Each chunk comes out when it was found genuine, and in its place.
 * @throws CliError as soon as one is not, or when the last one is missing
 */
export function openFile(
  line: Uint8Array,
  dataKey: Uint8Array,
  ciphertext: AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array> {
  return openChunks(line, dataKey, ciphertext, damaged)
}

function damaged(cause?: unknown): CliError {
  return new CliError('This was changed since it was encrypted, or is not all of it.', undefined, cause)
}
