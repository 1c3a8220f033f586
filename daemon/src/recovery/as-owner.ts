import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { requireUser } from '../serve/require-user.ts'
import { asUser, findUser, isRoot } from '../systemd/accounts.ts'

/**
 * Does something with the data of the appliance that a configuration describes, as the user who owns it: that user, or root,
 * who becomes it meanwhile.
 * @throws WarderError `config-invalid` for anyone else
 */
export async function asOwner<T>(file: string, act: (config: Config) => Promise<T>): Promise<T> {
  const config = await loadConfig(file)
  const owner = config.user === undefined ? undefined : await findUser(config.user)
  if (!isRoot()) await requireUser('user', config.user)
  return asUser(owner, () => act(config))
}
