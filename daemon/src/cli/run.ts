import { failureOf } from './failure.ts'

/**
 * Runs a program to its end. What goes wrong is said on stderr, without a stack trace, and becomes the exit code: 1 for what
 * is wrong here, 2 for an appliance that refused, failed or did not answer, 3 for an act that waits for approval.
 */
export async function run(name: string, main: () => Promise<unknown>): Promise<void> {
  process.umask(0o077)
  // A reader that has seen enough, such as head(1), is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  try {
    await main()
    process.exitCode ??= 0
  } catch (error) {
    const { lines, exitCode } = failureOf(error)
    const [first = '', ...rest] = lines.map(line => line.replaceAll(/(?!\n)\p{Cc}/gu, ' '))
    process.stderr.write([`${name}: ${first}`, ...rest.map(line => `  ${line}`), ''].join('\n'))
    process.exitCode = exitCode
  }
}
