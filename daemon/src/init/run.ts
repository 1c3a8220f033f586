import { readdir } from 'node:fs/promises'
import { type Log, WarderError } from '@warder/contract'
import { initialiseAppliance, journalDirectory } from '../compose.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { readStatus } from '../hsm/status.ts'
import { requireUser } from '../serve/require-user.ts'
import { asUser, findUser, isRoot, type User } from '../systemd/accounts.ts'
import { sharingOf } from '../systemd/sharing.ts'
import type { AdminKeySink } from './admin-key.ts'
import { makeDirectory } from './directories.ts'
import { ensureTls, type Say } from './tls-material.ts'

export interface InitOptions {
  readonly file: string
  /** Reserves where the administrator's key goes; `undefined` when there is no such place. */
  readonly reserveSink: () => Promise<AdminKeySink | undefined>
  readonly say: Say
  readonly log: Log
}

/**
 * Makes what an appliance needs and has not yet: directories, TLS material, the store secret, the journal, the first
 * administrator. It may be run again at any time; nothing is ever overwritten. Root runs it on a machine with system users,
 * and what belongs to them is made as them.
 *
 * @throws WarderError `hsm-unavailable` when warder-hsm does not run; `config-invalid` when the administrator's key would
 *   have nowhere to go, before it is made.
 */
export async function init({ file, reserveSink, say, log }: InitOptions): Promise<void> {
  const config = await loadConfig(file)
  const owner = config.user === undefined ? undefined : await findUser(config.user)
  if (!isRoot()) await requireUser('user', config.user)
  await makeDirectories(config, owner, say)
  await ensureTls(config, owner, say)
  if ((await readStatus(config.hsm.runDir)) === undefined) {
    throw new WarderError(
      'hsm-unavailable',
      'warder-hsm does not run. Start it (systemctl start warder-hsm), then repeat.',
    )
  }
  const sink = await reserveSink()
  if (sink === undefined) {
    if (await hasJournal(config.dataDir)) return say('initialised before; nothing was changed')
    throw new WarderError(
      'config-invalid',
      "The first administrator's key would have nowhere to go: run this on a terminal, or with --admin-key-file and the name of a file that is not there yet.",
    )
  }
  let key: string | undefined
  try {
    key = (await asUser(owner, () => initialiseAppliance(config, log))).adminKey
  } finally {
    if (key === undefined) await sink.abandon()
  }
  if (key === undefined) return say('initialised before; nothing was changed')
  await sink.deliver(key)
  say('initialised: store secret, journal, first administrator')
}

async function makeDirectories(config: Config, owner: User | undefined, say: Say): Promise<void> {
  const { uid, gid } = owner ?? own()
  const { hsm, dataDir } = config
  const sharing = await sharingOf(hsm)
  const hosts = sharing === undefined ? { mode: 0o700, uid, gid } : { mode: 0o2750, ...sharing }
  if (await makeDirectory(dataDir, { mode: 0o700, uid, gid })) say(`made ${dataDir}`)
  if (await makeDirectory(hsm.runDir, hosts)) say(`made ${hsm.runDir}`)
}

function own(): { readonly uid: number; readonly gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

async function hasJournal(dataDir: string): Promise<boolean> {
  const names = await readdir(journalDirectory(dataDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.some(name => name !== 'reserve')
}
