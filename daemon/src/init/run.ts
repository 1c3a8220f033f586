import { readdir } from 'node:fs/promises'
import { type Log, WarderError } from '@warder/contract'
import { ceremonyAction, readJournal } from '@warder/core'
import { readTranscriptFile } from '../ceremony/transcripts.ts'
import { initialiseAppliance, journalDirectory } from '../compose.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { readStatus } from '../hsm/status.ts'
import { readJournalDirectory } from '../journal/journal-directory.ts'
import { requireUser } from '../serve/require-user.ts'
import { asUser, findUser, isRoot, type User } from '../systemd/accounts.ts'
import { sharingOf } from '../systemd/sharing.ts'
import { type AdminKeySink, nowhere } from './admin-key.ts'
import { makeDirectory } from './directories.ts'
import { ensureTls, type Say } from './tls-material.ts'

export interface InitOptions {
  readonly file: string
  /** Reserves where the administrator's key goes; `undefined` when there is no such place. */
  readonly reserveSink: () => Promise<AdminKeySink | undefined>
  /** A transcript of a key ceremony whose digest goes into the journal, besides those in the data directory. */
  readonly transcript?: string | undefined
  readonly say: Say
  readonly log: Log
}

/**
 * Makes what an appliance needs and has not yet: directories, TLS material, the store secret, the journal, the first
 * administrator. It may be run again at any time, also after it was killed; nothing is ever overwritten. Root runs it on a machine with system users,
 * and what belongs to them is made as them.
 *
 * @throws WarderError `hsm-unavailable` when warder-hsm does not run; `config-invalid` when the administrator's key would
 *   have nowhere to go, before it is made.
 */
export async function init({ file, reserveSink, transcript, say, log }: InitOptions): Promise<void> {
  const config = await loadConfig(file)
  const ceremony = transcript === undefined ? undefined : (await readTranscriptFile(transcript)).digest
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
  const journal = journalDirectory(config.dataDir)
  // without opening what a running appliance has locked
  if (await hasAdministrator(journal)) {
    if (ceremony === undefined || (await tellsOf(journal, ceremony))) {
      return say('initialised before; nothing was changed')
    }
    await asUser(owner, () => initialiseAppliance(config, log, undefined, [ceremony]))
    return say('initialised before; journaled the transcript of the key ceremony')
  }
  const sink = (await reserveSink()) ?? (await withoutSink(journal))
  let made = false
  try {
    const ceremonies = ceremony === undefined ? [] : [ceremony]
    made = (await asUser(owner, () => initialiseAppliance(config, log, sink, ceremonies))).adminKey !== undefined
  } finally {
    await sink.close(made)
  }
  say(made ? 'initialised: store secret, journal, first administrator' : 'initialised before; nothing was changed')
}

/** One that was begun may be finished without a key to deliver; a new one may not be begun. */
async function withoutSink(journal: string): Promise<AdminKeySink> {
  const refusal = new WarderError(
    'config-invalid',
    "The first administrator's key would have nowhere to go: run this on a terminal, or with --admin-key-file and the name of a file that is not there yet.",
  )
  if (!(await isThere(journal))) throw refusal
  return nowhere(refusal)
}

/** Whether the journal tells of an API key that was made. */
async function hasAdministrator(journal: string): Promise<boolean> {
  if (!(await isThere(journal))) return false
  let made = false
  await readJournal(readJournalDirectory(journal), ({ action, applied = 0 }) => {
    made ||= action === 'api-key:create' && applied > 0
  })
  return made
}

/** Whether the journal has this transcript. */
async function tellsOf(journal: string, digest: string): Promise<boolean> {
  let found = false
  await readJournal(readJournalDirectory(journal), ({ action, subject }) => {
    found ||= action === ceremonyAction && subject['digest'] === digest
  })
  return found
}

/** The data directory and the run directory of the HSM hosts, where they are not yet. */
export async function makeDirectories(config: Config, owner: User | undefined, say: Say): Promise<void> {
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

async function isThere(journal: string): Promise<boolean> {
  const names = await readdir(journal).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.some(name => name !== 'reserve')
}
