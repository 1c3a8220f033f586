import { stat } from 'node:fs/promises'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, notChecked, ok, problem, warning } from '../finding.ts'
import type { JournalFacts } from '../journal-facts.ts'
import type { Machine } from '../machine.ts'

export async function checkClock({ machine, now, journal }: DoctorContext): Promise<readonly DoctorFinding[]> {
  return [judgeSynchronised(await synchronised(machine)), judgeTime(await journal(), now)]
}

/** `undefined`: nobody here can tell. */
async function synchronised({ ask, timesync }: Machine): Promise<boolean | undefined> {
  const told = (await ask('timedatectl', ['show', '--property=NTPSynchronized', '--value']))?.trim()
  if (told === 'yes' || told === 'no') return told === 'yes'
  // systemd-timesyncd marks what it has done; that the mark is not there says nothing of others
  return (await stat(timesync).catch(() => undefined)) === undefined ? undefined : true
}

export function judgeSynchronised(state: boolean | undefined): DoctorFinding {
  const check = 'clock synchronised'
  if (state === undefined) {
    return notChecked(check, 'timedatectl does not tell', 'chronyc tracking, where chrony keeps the time')
  }
  if (state) return ok(check, 'by NTP')
  const why = 'records, certificates and the ends of API keys go by it'
  return warning(check, 'no', { why, fix: 'timedatectl set-ntp true' })
}

/** Two nodes never write one journal, so only a clock that was set back can be behind it; or one that was ahead. */
export function judgeTime(journal: JournalFacts, now: Date): DoctorFinding {
  const check = 'clock and journal'
  if (journal.state !== 'verified') return notChecked(check, 'the journal does not tell when it was last written')
  const { newest } = journal
  const seconds = Math.round((newest.getTime() - now.getTime()) / 1000)
  if (seconds <= 1) return ok(check, `the newest record is from ${newest.toISOString()}`)
  const found = `the newest record is from ${newest.toISOString()}, ${seconds} seconds ahead of the clock`
  return problem(check, found, {
    why: 'the clock was set back, or was ahead when that was written: times in the journal no longer tell an order',
    fix: 'timedatectl set-ntp true, then compare `date -u` with another machine',
  })
}
