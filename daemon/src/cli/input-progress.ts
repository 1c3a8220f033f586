import { stat } from 'node:fs/promises'
import { isStdin } from './input.ts'
import { withProgress } from './progress.ts'

/** Below this nobody waits. */
const worthIt = 8 * 1024 * 1024

/**
 * Lends the input of long work with a progress bar in bytes, for a file that is worth one and for what comes on stdin.
 * `quiet`: none, for what is shown on the terminal itself.
 */
export async function withInputProgress<T>(
  label: string,
  file: string | undefined,
  input: AsyncIterable<Buffer>,
  use: (input: AsyncIterable<Buffer>) => Promise<T>,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Promise<T> {
  const size = await sizeOf(file)
  // what a person types, they see already
  const needless = isStdin(file) ? process.stdin.isTTY : size !== undefined && size < worthIt
  return withProgress(label, size, report => use(counted(input, report)), { quiet: quiet || needless })
}

async function* counted(input: AsyncIterable<Buffer>, report: (done: number) => void): AsyncGenerator<Buffer> {
  let done = 0
  for await (const chunk of input) {
    yield chunk
    done += chunk.length
    report(done)
  }
}

/** `undefined` for what has no size, such as a pipe; a file that is not there fails when it is read. */
async function sizeOf(file: string | undefined): Promise<number | undefined> {
  const found = file === undefined || isStdin(file) ? undefined : await stat(file).catch(() => undefined)
  return found?.isFile() === true ? found.size : undefined
}
