import type { KeyProvider, Store } from '@warder/contract'
import type { AppendFile, JournalFiles, Ports } from '@warder/core'
import { ckrIn } from '../hsm/ckr.ts'
import type { Answered } from '../hsm/call.ts'
import { metered } from './metered.ts'
import type { Metrics } from './metrics.ts'

export const hsmCommands = [
  'capabilities',
  'generate',
  'locate',
  'sign',
  'signAll',
  'encrypt',
  'decrypt',
  'mac',
  'wrap',
  'unwrap',
  'derive',
  'random',
  'importKey',
  'exportKey',
  'newestRootKey',
  'createRootKey',
  'rewrap',
  'forget',
  'sealStoreSecret',
  'openStoreSecret',
  'rootKeyBackup',
  'destroy',
  'health',
] as const satisfies readonly (keyof KeyProvider)[]

export const storageCalls = [
  'get',
  'put',
  'delete',
  'query',
  'batch',
  'health',
] as const satisfies readonly (keyof Store)[]

export const meteredHsm = <Hsm extends KeyProvider>(hsm: Hsm, metrics: Metrics): Hsm =>
  metered(hsm, hsmCommands, (command, outcome, seconds, error) => {
    metrics.hsmCall(command, outcome, seconds)
    const ckr = ckrIn(error)
    if (ckr !== undefined) metrics.hsmFault(ckr)
  })

/** For answers of the HSM hosts. */
export const meteredAnswers =
  (metrics: Metrics): ((answered: Answered) => void) =>
  ({ op, hsmMicros, micros }) =>
    metrics.hsmAnswered(op, hsmMicros / 1e6, Math.max(0, micros - hsmMicros) / 1e6)

export const meteredStore = (store: Store, metrics: Metrics): Store => metered(store, storageCalls, metrics.storageCall)

/** Times what becomes durable: each append, and the first batch of each segment. */
export function meteredJournal(files: JournalFiles, metrics: Metrics): JournalFiles {
  const ofFile = (file: AppendFile): AppendFile => metered(file, ['append', 'appendLast'], metrics.journalWrite)
  const timed = metered(files, ['create'], metrics.journalWrite)
  return {
    list: () => files.list(),
    read: name => files.read(name),
    create: async (name, content) => ofFile(await timed.create(name, content)),
    open: async (name, length) => ofFile(await files.open(name, length)),
  }
}

/** The engine's ports, each call through them timed. */
export function meteredPorts(ports: Ports, metrics: Metrics): Ports {
  const { store, hsm, journalFiles } = ports
  return {
    ...ports,
    store: meteredStore(store, metrics),
    hsm: meteredHsm(hsm, metrics),
    journalFiles: meteredJournal(journalFiles, metrics),
  }
}
