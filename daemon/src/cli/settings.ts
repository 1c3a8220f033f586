import { CliError } from './failure.ts'
import type { Format } from './print.ts'

/** The options of every command that talks to an appliance; commander has put the environment's values in. */
export interface RemoteFlags {
  readonly addr?: string
  readonly cacert?: string
  readonly tokenFile?: string
  readonly space?: string
  readonly format: Format
  /** False with `--no-input`. */
  readonly input: boolean
  /** Seconds. */
  readonly timeout: number
}

/** What `~/.config/warder/cli.toml` may say. */
export interface FileSettings {
  readonly addr?: string
  readonly cacert?: string
  readonly tokenFile?: string
  readonly space?: string
}

export interface Settings {
  readonly url: URL
  /** A file; `undefined`: the authorities that Node.js trusts. */
  readonly cacert: string | undefined
  readonly tokenFile: string | undefined
  readonly space: string
}

/** A flag wins over `WARDER_<FLAG>`, which wins over the file. */
export function settle(flags: Partial<RemoteFlags>, file: FileSettings): Settings {
  const addr = flags.addr ?? file.addr
  if (addr === undefined) {
    throw new CliError(
      'No appliance is named.',
      '--addr https://HOST:8443, WARDER_ADDR, or addr in ~/.config/warder/cli.toml',
    )
  }
  return {
    url: urlOf(addr),
    cacert: flags.cacert ?? file.cacert,
    tokenFile: flags.tokenFile ?? file.tokenFile,
    space: flags.space ?? file.space ?? 'default',
  }
}

function urlOf(addr: string): URL {
  const url = URL.canParse(addr) ? new URL(addr) : undefined
  if (url?.protocol !== 'https:' || url.pathname !== '/' || `${url.search}${url.hash}${url.username}` !== '') {
    throw new CliError('The address of an appliance is https://HOST or https://HOST:PORT.', '--addr https://HOST:8443')
  }
  return url
}
