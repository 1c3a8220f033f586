import type { CaseTable, ConformanceCase } from '../conformance-case.ts'
import { Bench } from './bench.ts'
import { backupCases } from './cases/backup.ts'
import { cancellationCases } from './cases/cancellation.ts'
import { capabilityCases } from './cases/capabilities.ts'
import { concurrencyCases } from './cases/concurrency.ts'
import { deriveCases } from './cases/derive.ts'
import { encryptCases } from './cases/encrypt.ts'
import { exportCases } from './cases/export.ts'
import { generateCases } from './cases/generate.ts'
import { importCases } from './cases/import.ts'
import { lifecycleCases } from './cases/lifecycle.ts'
import { macCases } from './cases/mac.ts'
import { oaepCases } from './cases/oaep.ts'
import { randomCases } from './cases/random.ts'
import { recordCases } from './cases/record.ts'
import { residentCases } from './cases/resident.ts'
import { rootKeyCases } from './cases/root-keys.ts'
import { signCases } from './cases/sign.ts'
import { storeSecretCases } from './cases/store-secret.ts'
import { tokenCases } from './cases/token.ts'
import { usageCases } from './cases/usage.ts'
import { wrapCases } from './cases/wrap.ts'
import { Entrances } from './importing.ts'
import type { HsmSubject } from './subject.ts'

const quick = 60_000
// several RSA-4096 keys, each of which takes a slow machine seconds
const thorough = 240_000

/**
 * What an HSM plugin must do to be one, as cases any runner registers:
 * `for (const { name, timeout, run } of hsmConformance(subject)) it(name, run).timeout(timeout)`.
 *
 * The cases follow the token's own capabilities: what it claims must work, seen from outside by node:crypto; what it does
 * not claim must be refused with `unsupported-mechanism`, naming the mechanism, before anything is made. Cases are
 * independent, may run in any order, and open one provider at a time. Those that bring keys in share a token: where only
 * some of them are run, it is not removed.
 */
export function hsmConformance<Config>(subject: HsmSubject<Config>): readonly ConformanceCase[] {
  const bench = new Bench(subject)
  const entrances = new Entrances(bench)
  return [
    ...casesOf(quick, lifecycleCases(bench)),
    ...casesOf(quick, capabilityCases(bench)),
    ...casesOf(thorough, generateCases(bench)),
    ...casesOf(thorough, signCases(bench)),
    ...casesOf(thorough, encryptCases(bench, entrances)),
    ...casesOf(thorough, oaepCases(bench)),
    ...casesOf(thorough, macCases(bench, entrances)),
    ...casesOf(thorough, wrapCases(bench, entrances)),
    ...casesOf(thorough, deriveCases(bench, entrances)),
    ...casesOf(thorough, usageCases(bench)),
    ...casesOf(thorough, importCases(entrances)),
    ...casesOf(thorough, exportCases(bench)),
    ...casesOf(thorough, rootKeyCases(bench)),
    ...casesOf(thorough, recordCases(bench)),
    ...casesOf(thorough, backupCases(bench)),
    ...casesOf(thorough, residentCases(bench)),
    ...casesOf(quick, tokenCases(bench)),
    ...casesOf(quick, randomCases(bench)),
    ...casesOf(quick, storeSecretCases(bench)),
    ...casesOf(thorough, cancellationCases(bench)),
    ...casesOf(thorough, concurrencyCases(bench)),
  ]
}

function casesOf(timeout: number, table: CaseTable): ConformanceCase[] {
  return Object.entries(table).map(([name, run]) => ({ name, timeout, run }))
}
