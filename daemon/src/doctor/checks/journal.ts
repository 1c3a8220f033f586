import { join } from 'node:path'
import { reserveBytes } from '../../journal/append-file.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, note, notChecked, ok, problem, warning } from '../finding.ts'
import type { JournalFacts } from '../journal-facts.ts'

export async function checkJournal({ config, file, journal }: DoctorContext): Promise<readonly DoctorFinding[]> {
  return judgeJournal(await journal(), join(config.dataDir, 'journal'), file)
}

const mebibyte = 1024 * 1024
const leastFree = 64 * mebibyte
const daysToAct = 3
const daysToPlan = 30

export function judgeJournal(facts: JournalFacts, directory: string, file: string): readonly DoctorFinding[] {
  if (facts.state === 'unreadable') {
    return [
      notChecked('journal', `${directory} cannot be read (${facts.reason})`, `sudo warder doctor --config ${file}`),
    ]
  }
  if (facts.state === 'absent') {
    const why = 'the appliance does not start without one'
    return [problem('journal', `${directory} holds no journal`, { why, fix: `warder init --config ${file}` })]
  }
  if (facts.state === 'corrupt') {
    const why = 'it was changed or damaged, and the appliance does not start on it'
    const fix = `cp -a ${directory} EVIDENCE, then restore it from a backup; warder audit verify --dir ${directory}`
    return [problem('journal', facts.message, { why, fix })]
  }
  const { records, first, newest, tail } = facts
  const span = `${first.toISOString()} to ${newest.toISOString()}`
  const verified = ok('journal', `${records} records verify, ${span}`)
  const torn = note(
    'journal',
    `${tail} bytes follow the last commit`,
    'being written, or cut short and never acknowledged',
  )
  return [verified, ...(tail > 0 ? [torn] : []), spaceFinding(facts, directory), reserveFinding(facts, directory)]
}

type Verified = Extract<JournalFacts, { readonly state: 'verified' }>

function spaceFinding({ freeBytes, bytesPerDay }: Verified, directory: string): DoctorFinding {
  const check = 'journal space'
  const free = `${Math.floor(freeBytes / mebibyte)} MiB are free`
  const remedy = { why: 'when the disk is full every request is refused', fix: `df -h ${directory}` }
  const grows =
    bytesPerDay === undefined
      ? 'it is too young to tell how it grows'
      : `it grew ${(bytesPerDay / mebibyte).toFixed(1)} MiB a day lately`
  const days = bytesPerDay === undefined || bytesPerDay === 0 ? Infinity : freeBytes / bytesPerDay
  const lasts = Number.isFinite(days) ? `, which lasts ${Math.floor(days)} days` : ''
  const found = `${free}; ${grows}${lasts}`
  if (freeBytes < leastFree || days < daysToAct) return problem(check, found, remedy)
  if (bytesPerDay === undefined) return note(check, found, 'look again when it is a day old')
  return days < daysToPlan ? warning(check, found, remedy) : ok(check, found)
}

function reserveFinding({ reserveBytes: found }: Verified, directory: string): DoctorFinding {
  const check = 'journal reserve'
  if (found === reserveBytes) return ok(check, `${found} bytes are kept for a last record`)
  const state = found === undefined ? 'is not there' : `has ${found} bytes of ${reserveBytes}`
  const why = 'on a full disk the journal cannot say why it stopped'
  // the next start makes it
  return warning(check, `${join(directory, 'reserve')} ${state}`, { why, fix: 'systemctl restart warder' })
}
