import { pino } from 'pino'
import { BackupFile } from '../backup/open.ts'
import { openBackupFile } from '../backup/read-root-keys.ts'
import { loadConfig } from '../config/load.ts'
import { makeDirectories } from '../init/run.ts'
import { ensureTls } from '../init/tls-material.ts'
import { createLog } from '../log/create-log.ts'
import { asOwner } from '../recovery/as-owner.ts'
import { type Progress, restore as run, type Restored } from '../recovery/restore.ts'
import { requireUser } from '../serve/require-user.ts'
import { findUser, isRoot } from '../systemd/accounts.ts'
import { journalBelow } from './journal-below.ts'
import { type Format, note, printData } from './print.ts'
import { withProgress } from './progress.ts'
import { readRecipientKey, type RecipientKeyFlags } from './recipient-key.ts'

export interface RestoreFlags extends RecipientKeyFlags {
  readonly from: string
  readonly config: string
  readonly journal?: string
  readonly format: Format
}

export async function restore(flags: RestoreFlags): Promise<void> {
  const recipientKey = await readRecipientKey(flags)
  // Opened before this process becomes another user, who may not read it.
  const handle = await openBackupFile(flags.from)
  try {
    const backup = await BackupFile.over(handle, recipientKey)
    try {
      await prepare(flags.config)
      const later = flags.journal === undefined ? undefined : await journalBelow(flags.journal)
      const log = createLog(pino.destination({ fd: 2, sync: true }), 'error')
      const restored = await withProgress('backup', 1, report => {
        const progress: Progress = (what, done, of) => report(done, of, what)
        return asOwner(flags.config, config => run(config, { backup, later, log, progress }))
      })
      if (flags.format !== 'table') await printData(flags.format, shownOf(restored))
      else for (const line of linesOf(restored)) note(line)
    } finally {
      backup.close()
    }
  } finally {
    await handle.close()
  }
}

/** What an appliance needs besides its state, as `warder init` makes it. */
async function prepare(file: string): Promise<void> {
  const config = await loadConfig(file)
  const owner = config.user === undefined ? undefined : await findUser(config.user)
  if (!isRoot()) await requireUser('user', config.user)
  await makeDirectories(config, owner, note)
  await ensureTls(config, owner, note)
}

function shownOf({ manifest, previous, since, ...rest }: Restored) {
  const { point, time, records } = manifest
  return { ...rest, state: { ...point, time }, previous, records, ...(since && { since }) }
}

function linesOf({ origin, manifest, previous, digest, missingResidentKeys, since }: Restored): readonly string[] {
  const { point, time, records } = manifest
  return [
    `restored ${records} records: the state at record ${point.seq} of journal ${point.origin}, backed up ${time}`,
    `the backup has SHA-256 ${digest}`,
    `the journal goes on as ${origin}, and commits to record ${previous.seq} of the old one`,
    ...(since === undefined
      ? [
          'what was revoked, disabled or destroyed since then is not known: a later copy of the old journal (--journal) would tell',
        ]
      : sinceLines(since)),
    ...missingResidentKeys.map(
      ({ space, key, version }) =>
        `not in this HSM: ${space}/${key} version ${version}, a resident key; using it answers hsm-key-missing`,
    ),
  ]
}

function sinceLines({ reapplied, others }: NonNullable<Restored['since']>): readonly string[] {
  const acts = reapplied.map(({ act, outcome, why }) => {
    const { space, name, credential } = act.subject
    const what = act.action === 'api-key:revoke' ? String(credential) : `${String(space)}/${String(name)}`
    const how = { done: 'reapplied', there: 'in the state already', failed: 'NOT reapplied' }[outcome]
    return `${how}: ${act.action} ${what}, ${act.ts} by ${act.actor}${why === undefined ? '' : `: ${why}`}`
  })
  const count = Object.values(others).reduce((sum, each) => sum + each, 0)
  const byAction = Object.entries(others).map(([action, each]) => `${each} ${action}`)
  return [
    ...acts,
    ...(count === 0 ? [] : [`${count} other records since the backup, whose effect is lost: ${byAction.join(', ')}`]),
  ]
}
