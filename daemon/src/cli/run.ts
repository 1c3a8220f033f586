import { WarderError } from '@warder/contract'

/** Runs a program to its end: exit code 0, or 1 after saying on stderr what is wrong, without a stack trace. */
export async function run(name: string, main: () => Promise<unknown>): Promise<void> {
  process.umask(0o077)
  try {
    await main()
    process.exitCode = 0
  } catch (error) {
    process.stderr.write(`${name}: ${WarderError.is(error) ? `${error.message} [${error.code}]` : String(error)}\n`)
    process.exitCode = 1
  }
}
