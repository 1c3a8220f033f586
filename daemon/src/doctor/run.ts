import { WarderError } from '@warder/contract'
import type { JournalFiles } from '@warder/core'
import { journalDirectory } from '../compose.ts'
import { checkConfigByArea } from '../config/check.ts'
import { checkClock } from './checks/clock.ts'
import { configurationFindings } from './checks/configuration.ts'
import { checkDataFormat } from './checks/data-format.ts'
import { checkFiles } from './checks/files.ts'
import { checkHsm } from './checks/hsm.ts'
import { checkJournal } from './checks/journal.ts'
import { checkMemory } from './checks/memory.ts'
import { checkTls } from './checks/tls.ts'
import { checkToken } from './checks/token.ts'
import { checkUnits } from './checks/units.ts'
import type { DoctorContext } from './context.ts'
import { type DoctorFinding, notChecked } from './finding.ts'
import { type JournalFacts, journalFacts } from './journal-facts.ts'
import { type Machine, thisMachine } from './machine.ts'

type Check = (context: DoctorContext) => Promise<readonly DoctorFinding[]>

/** What is looked at when the configuration loads, in this order. */
const checks: readonly (readonly [name: string, check: Check])[] = [
  ['files', checkFiles],
  ['TLS chain', checkTls],
  ['data format', checkDataFormat],
  ['journal', checkJournal],
  ['clock', checkClock],
  ['limits', checkMemory],
  ['units', checkUnits],
  ['HSM hosts', checkHsm],
  ['token', checkToken],
]

export interface DoctorOptions {
  readonly file: string
  /** Lends the journal's files to whoever reads all of them, which may take long. */
  readonly withJournal: (
    directory: string,
    read: (files: Pick<JournalFiles, 'list' | 'read'>) => Promise<JournalFacts>,
  ) => Promise<JournalFacts>
  readonly machine?: Machine
  readonly now?: Date
}

/**
 * Looks at everything an appliance stands on, on the machine it is on. Changes nothing, and needs nothing to run. Never
 * rejects for what it finds: a check that fails has not been made.
 */
export async function examine(options: DoctorOptions): Promise<readonly DoctorFinding[]> {
  const { file, withJournal, machine = thisMachine, now = new Date() } = options
  const checked = await checkConfigByArea(file, machine.unitDirectories)
  const first = configurationFindings(checked, file)
  const { config } = checked
  if (config === undefined) {
    return [...first, ...checks.map(([name]) => notChecked(name, 'the configuration does not load'))]
  }
  const directory = journalDirectory(config.dataDir)
  let reading: Promise<JournalFacts> | undefined
  const context: DoctorContext = {
    file,
    config,
    machine,
    now,
    journal: () => (reading ??= withJournal(directory, files => journalFacts(directory, files, now))),
  }
  const findings = [...first]
  for (const [name, check] of checks) findings.push(...(await made(name, () => check(context), file)))
  return findings
}

async function made(
  name: string,
  check: () => Promise<readonly DoctorFinding[]>,
  file: string,
): Promise<readonly DoctorFinding[]> {
  try {
    return await check()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = WarderError.is(error) ? error.message : `it failed (${code ?? String(error)})`
    const denied = code === 'EACCES' || code === 'EPERM'
    return [notChecked(name, why, denied ? `sudo warder doctor --config ${file}` : undefined)]
  }
}
