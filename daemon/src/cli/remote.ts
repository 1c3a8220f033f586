import { WarderClient } from '../client/client.ts'
import { readConfigFile } from './config-file.ts'
import { readWhole } from './input.ts'
import { type RemoteFlags, settle } from './settings.ts'
import { readToken } from './token.ts'

export interface Remote {
  readonly client: WarderClient
  /** The space that the command is about. */
  readonly space: string
}

const caLimit = 1024 * 1024

/** Lends a client of the appliance that flags, environment and file name, with the API key that they name. */
export async function withRemote<T>(flags: RemoteFlags, use: (remote: Remote) => Promise<T>): Promise<T> {
  return withSettings(flags, true, use)
}

/** The same without an API key, for what needs none. */
export async function withAnonymous<T>(
  flags: RemoteFlags,
  use: (remote: Remote & { url: URL }) => Promise<T>,
): Promise<T> {
  return withSettings(flags, false, use)
}

async function withSettings<T>(
  flags: RemoteFlags,
  withKey: boolean,
  use: (remote: Remote & { url: URL }) => Promise<T>,
): Promise<T> {
  const { url, cacert, tokenFile, space } = settle(flags, await readConfigFile())
  const ca = cacert === undefined ? undefined : (await readWhole(cacert, caLimit)).toString('utf8')
  const apiKey = withKey ? await readToken(tokenFile, flags) : undefined
  const client = new WarderClient({ url, ca, apiKey, timeoutMs: flags.timeout * 1000 })
  try {
    return await use({ client, space, url })
  } finally {
    client[Symbol.dispose]()
  }
}
