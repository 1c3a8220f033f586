import { type Command, InvalidArgumentError, Option } from 'commander'
import { encodings } from '../encoding.ts'
import { sharedHeading } from '../manual/described.ts'
import { formats } from '../format.ts'

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}.`)
  }
}

export const versionNumber = wholeNumber(1, 0xffff_ffff)

/** `name=value`, repeatable. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('must be name=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** `a,b`, repeatable. */
export function list(text: string, before: readonly string[] = []): readonly string[] {
  const names = text.split(',').map(name => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('must be names with commas between them.')
  return [...before, ...names]
}

/** How data is shown. */
export function withFormat(command: Command): Command {
  return command.addOption(
    new Option('--format <format>', 'how to show data').choices(formats).default('table').env('WARDER_FORMAT'),
  )
}

/** What every command that talks to an appliance takes. */
export function connected(command: Command): Command {
  return withFormat(command.optionsGroup(sharedHeading))
    .addOption(new Option('--addr <url>', 'the appliance, as https://HOST:PORT').env('WARDER_ADDR'))
    .addOption(new Option('--cacert <file>', "PEM: the authority of the appliance's certificate").env('WARDER_CACERT'))
    .addOption(new Option('--token-file <file>', 'holds an API key; - is standard input').env('WARDER_TOKEN_FILE'))
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for an answer')
        .argParser(wholeNumber(1, 3600))
        .default(30)
        .env('WARDER_TIMEOUT'),
    )
    .addOption(new Option('--no-input', 'never ask; fail instead').env('WARDER_NO_INPUT'))
}

/** The same, for what belongs to one space. */
export function inSpace(command: Command): Command {
  return connected(command).addOption(
    new Option('--space <name>', 'the space; "default" unless told').env('WARDER_SPACE'),
  )
}

/** Where bytes go. */
export function withOut(command: Command, { encoded = true } = {}): Command {
  command.optionsGroup('Output:').option('--out <file>', 'write here, rather than to standard output')
  command.option('--force', 'replace the file if it is there')
  if (!encoded) return command
  return command.addOption(
    new Option('--encoding <encoding>', 'how to write bytes').choices(encodings).default('base64'),
  )
}

export function idempotent(command: Command): Command {
  return command.option('--idempotency-key <text>', 'repeated within 24 hours with the same text, it is done once')
}
