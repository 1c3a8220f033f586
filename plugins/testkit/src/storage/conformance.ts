import type { CaseTable, ConformanceCase } from '../conformance-case.ts'
import { Bench } from './bench.ts'
import { attributeCases } from './cases/attributes.ts'
import { batchCases } from './cases/batch.ts'
import { bodyCases } from './cases/bodies.ts'
import { cancellationCases } from './cases/cancellation.ts'
import { concurrencyCases } from './cases/concurrency.ts'
import { durabilityCases } from './cases/durability.ts'
import { identifierCases } from './cases/identifiers.ts'
import { lifecycleCases } from './cases/lifecycle.ts'
import { networkCutCases } from './cases/network-cuts.ts'
import { networkStallCases } from './cases/network-stalls.ts'
import { networkWriteCases } from './cases/network-writes.ts'
import { pagingCases } from './cases/paging.ts'
import { recordCases } from './cases/records.ts'
import { volumeCases } from './cases/volume.ts'
import { NetworkBench } from './network-bench.ts'
import type { StorageSubject } from './subject.ts'

const quick = 30_000
const thorough = 180_000

/**
 * What a storage plugin must do to be one, as cases any runner registers:
 * `for (const { name, timeout, run } of storageConformance(subject)) it(name, run).timeout(timeout)`.
 * Cases are independent and may run in any order.
 */
export function storageConformance<Config>(subject: StorageSubject<Config>): readonly ConformanceCase[] {
  const bench = new Bench(subject)
  return [
    ...casesOf(quick, lifecycleCases(bench)),
    ...casesOf(quick, recordCases(bench)),
    ...casesOf(quick, concurrencyCases(bench)),
    ...casesOf(quick, identifierCases(bench)),
    ...casesOf(quick, bodyCases(bench)),
    ...casesOf(quick, attributeCases(bench)),
    ...casesOf(quick, pagingCases(bench)),
    ...casesOf(quick, cancellationCases(bench)),
    ...casesOf(quick, batchCases(bench)),
    ...casesOf(thorough, networkCases(bench)),
    ...casesOf(thorough, durabilityCases(bench)),
    ...casesOf(thorough, volumeCases(bench)),
  ]
}

function networkCases<Config>(bench: Bench<Config>): CaseTable {
  const { networkPlace } = bench.subject
  if (!networkPlace) return {}
  const network = new NetworkBench(bench, networkPlace)
  return { ...networkCutCases(network), ...networkWriteCases(network), ...networkStallCases(network) }
}

function casesOf(timeout: number, table: CaseTable): ConformanceCase[] {
  return Object.entries(table).map(([name, run]) => ({ name, timeout, run }))
}
