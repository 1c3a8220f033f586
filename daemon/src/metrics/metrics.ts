import type { Health, WarderCode } from '@warder/contract'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Figures } from '@warder/core'
import { Durations } from './durations.ts'
import { type WatchedHsm, watchHsmHosts } from './hsm-hosts.ts'

/**
 * What one appliance counts. Label values are only ever of fixed sets (operation ids, codes, commands, names of parts),
 * never what a caller sent: neither a name nor an id, so that what is told stays bounded and tells nothing of tenants.
 */
export interface Metrics {
  operationDone(operation: string, outcome: string, seconds: number): void
  requestRefused(code: WarderCode): void
  /** One item of a batch that was answered otherwise. */
  itemRefused(code: WarderCode): void
  hsmCall(command: string, outcome: string, seconds: number): void
  /** One answer of an HSM host: how long it was with the host, and on its way or waiting before and after. */
  hsmAnswered(command: string, hostSeconds: number, queueSeconds: number): void
  /** A call that failed with this return value of PKCS#11. */
  hsmFault(ckr: string): void
  storageCall(call: string, outcome: string, seconds: number): void
  /** One durable append to the journal. */
  journalWrite(call: string, outcome: string, seconds: number): void
  /** Tells of these HSM hosts from now on; once. */
  watchHsm(hsm: WatchedHsm): void
  /** All of it, in Prometheus' text format, with parts and figures as they are now. */
  text(parts: Readonly<Record<string, Health>>, figures: Figures | undefined): Promise<string>
  readonly contentType: string
}

const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** PKCS#11 v3.1 knows about a hundred; vendors add theirs. What is beyond is counted as `other`. */
const mostFaults = 128

/** `process`: also what Node tells of process, event loop and garbage collection; once in a process. */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const register = new Registry()
  const registers = [register]
  if (options.process === true) collectDefaultMetrics({ register })

  const histogram = (name: string, help: string, labels: [string, string?]): Durations =>
    new Durations({ register, name, help, labels, buckets })
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers })

  const operations = histogram('warder_operation_duration_seconds', 'Requests, by operation and class of status', [
    'operation',
    'status',
  ])
  const hsmCalls = histogram('warder_hsm_call_duration_seconds', 'Calls to the HSM, by command and outcome', [
    'command',
    'outcome',
  ])
  const hsmHost = histogram('warder_hsm_host_duration_seconds', 'Time of calls inside an HSM host', ['command'])
  const hsmQueue = histogram('warder_hsm_queue_duration_seconds', 'Time of answered calls outside the HSM host', [
    'command',
  ])
  const hsmFaults = counter('warder_hsm_faults_total', 'Calls that failed, by what PKCS#11 answered', ['ckr'])
  const faultsSeen = new Set<string>()
  const storageCalls = histogram('warder_storage_call_duration_seconds', 'Calls to storage, by call and outcome', [
    'call',
    'outcome',
  ])
  const journalWrites = histogram('warder_journal_sync_duration_seconds', 'Durable appends to the journal', ['outcome'])
  const errors = counter('warder_errors_total', 'Requests that were refused, by code', ['code'])
  const itemErrors = counter('warder_batch_item_errors_total', 'Items of batches that were refused, by code', ['code'])
  const partUp = gauge('warder_part_up', '1 while the part is well', ['part'])
  // Made when there is a figure: a gauge that nobody has set says 0.
  let journalWaiting: Gauge | undefined
  const cacheHits = gauge('warder_cache_hits_total', 'Answers taken from a cache since the start', ['cache'])
  const cacheMisses = gauge('warder_cache_misses_total', 'Answers a cache did not have since the start', ['cache'])
  const cacheEntries = gauge('warder_cache_entries', 'What a cache holds', ['cache'])

  let askHosts = async (): Promise<void> => {}

  return {
    contentType: register.contentType,
    operationDone: (operation, status, seconds) => operations.observe(seconds, operation, status),
    requestRefused: code => errors.inc({ code }),
    itemRefused: code => itemErrors.inc({ code }),
    hsmCall: (command, outcome, seconds) => hsmCalls.observe(seconds, command, outcome),
    hsmAnswered(command, hostSeconds, queueSeconds) {
      hsmHost.observe(hostSeconds, command)
      hsmQueue.observe(queueSeconds, command)
    },
    hsmFault(ckr) {
      if (faultsSeen.size < mostFaults) faultsSeen.add(ckr)
      hsmFaults.inc({ ckr: faultsSeen.has(ckr) ? ckr : 'other' })
    },
    storageCall: (call, outcome, seconds) => storageCalls.observe(seconds, call, outcome),
    journalWrite: (_, outcome, seconds) => journalWrites.observe(seconds, outcome),
    watchHsm(hsm) {
      askHosts = watchHsmHosts(registers, hsm)
    },
    async text(parts, figures) {
      await askHosts()
      for (const [part, { ok }] of Object.entries(parts)) partUp.set({ part }, ok ? 1 : 0)
      if (figures !== undefined) {
        journalWaiting ??= gauge('warder_journal_waiting_records', 'Records that wait for the next sync', [])
        journalWaiting.set(figures.journalWaiting)
      }
      for (const [cache, { hits, misses, entries }] of Object.entries(figures?.caches ?? {})) {
        cacheHits.set({ cache }, hits)
        cacheMisses.set({ cache }, misses)
        cacheEntries.set({ cache }, entries)
      }
      return register.metrics()
    },
  }
}
