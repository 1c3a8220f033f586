import { constants, privateDecrypt, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, type Op, type Store, type StoredRecord, WarderError } from '@warder/contract'
import {
  HeadIndex,
  type JournalHeads,
  type JournalPoint,
  listMissingResident,
  type Manifest,
  noteSince,
  nothingSince,
  openSuccessor,
  readHeads,
  reapplyAll,
  type Reapplied,
  requireEmptyStore,
  type ResidentKey,
  restoreRecords,
  type Since,
} from '@warder/core'
import { damaged } from '../backup/header.ts'
import type { BackupFile } from '../backup/open.ts'
import { journalDirectory, portsOf, withBackends } from '../compose.ts'
import type { Config } from '../config/schema.ts'
import type { HsmClient } from '../hsm/client.ts'
import { openJournalDirectory, readJournalDirectory } from '../journal/journal-directory.ts'
import { hasStoreSecret, keepStoreSecret, openStoreSecret } from '../store-secret.ts'
import { archiveDirectory, ArchiveWriter, filesIn, hasJournal, move, nextJournalDirectory } from './archive.ts'
import { markFinished, markUnfinished, readUnfinished, type Unfinished } from './unfinished.ts'

export interface RestoreOptions {
  readonly backup: BackupFile
  /** A later copy of the old journal. */
  readonly later?: string | undefined
  readonly log: Log
  readonly progress?: Progress | undefined
}

/** Told what is done and how far it is. */
export type Progress = (what: string, done: number, of: number) => void

export interface Restored {
  readonly origin: string
  readonly manifest: Manifest
  /** Where the old journal ends, as far as it is known. */
  readonly previous: JournalPoint
  /** SHA-256 of the file. */
  readonly digest: string
  readonly missingResidentKeys: readonly ResidentKey[]
  /** What a later copy of the journal tells after the backup; `undefined` without one: it is not known then. */
  readonly since:
    { readonly reapplied: readonly Reapplied[]; readonly others: Readonly<Record<string, number>> } | undefined
}

/**
 * Restores an appliance into an empty data directory and an empty store. Nothing is overwritten. After a crash it is
 * repeated with the same backup and goes on; until it has finished nothing else works on the data directory.
 *
 * @throws WarderError `backup-damaged`, `already-initialised` when something is there already, `journal-corrupt` or
 *   `backup-damaged` when the later journal does not extend the backup's, or `hsm-unavailable`
 */
export async function restore(config: Config, options: RestoreOptions): Promise<Restored> {
  return withBackends(config, options.log, async ({ store, openHsm }, closer) => {
    const hsm = await openHsm()
    const restored = await new Restore(config, options, store, hsm).run()
    await closer[Symbol.asyncDispose]()
    return restored
  })
}

/** It takes as long as it takes. */
const op: Op = { signal: new AbortController().signal }

interface Archived extends JournalHeads {
  readonly since: Since
  readonly previous: JournalPoint
}

class Restore {
  readonly #config: Config
  readonly #backup: BackupFile
  readonly #later: string | undefined
  readonly #log: Log
  readonly #progress: Progress
  readonly #store: Store
  readonly #hsm: HsmClient

  constructor(
    config: Config,
    { backup, later, log, progress = () => undefined }: RestoreOptions,
    store: Store,
    hsm: HsmClient,
  ) {
    this.#config = config
    this.#backup = backup
    this.#later = later
    this.#log = log
    this.#progress = progress
    this.#store = store
    this.#hsm = hsm
  }

  async run(): Promise<Restored> {
    const { dataDir } = this.#config
    const { origin } = await this.#begin()
    const { manifest, secret, archived } = await this.#readThrough()
    try {
      if (!(await hasJournal(journalDirectory(dataDir)))) {
        await keepStoreSecret(dataDir, secret, this.#hsm, op)
        await restoreRecords(this.#store, archived.heads, this.#records(), op, done =>
          this.#progress('records', done, manifest.records),
        )
        await this.#openJournal(origin, manifest, archived)
      }
    } finally {
      secret.fill(0)
    }
    const since = this.#later === undefined ? undefined : await this.#reapply(archived.since)
    const missingResidentKeys = await listMissingResident(await this.#ports(), op)
    const digest = await this.#backup.digest()
    await markFinished(dataDir)
    return { origin, manifest, previous: archived.previous, digest, missingResidentKeys, since }
  }

  /** Goes on with what was begun with this backup, or begins where nothing is. */
  async #begin(): Promise<Unfinished> {
    const { dataDir } = this.#config
    const found = await readUnfinished(dataDir)
    const later = this.#later !== undefined
    if (found !== undefined) {
      if (found.act === 'restore' && found.backup === this.#backup.id && found.later === later) return found
      const hint = `repeat that command, or remove ${dataDir} and what is in storage`
      throw new WarderError(
        'already-initialised',
        `Something else was begun in ${dataDir} and has not finished: ${hint}.`,
      )
    }
    const archived = (await filesIn(archiveDirectory(dataDir))).length > 0
    if (archived || (await hasStoreSecret(dataDir)) || (await hasJournal(journalDirectory(dataDir)))) {
      throw new WarderError(
        'already-initialised',
        `There is an appliance in ${dataDir}: a backup is restored into an empty directory.`,
      )
    }
    await requireEmptyStore(this.#store, new HeadIndex(), op)
    const begun: Unfinished = { act: 'restore', backup: this.#backup.id, origin: randomUUID(), later }
    await markUnfinished(dataDir, begun)
    return begun
  }

  /** Reads all of the file before anything of it is used, and puts its journal, or the later copy, into the archive. */
  async #readThrough(): Promise<{ manifest: Manifest; secret: Uint8Array; archived: Archived }> {
    const { dataDir } = this.#config
    let manifest: Manifest | undefined
    let secret: Uint8Array | undefined
    let archive: ArchiveWriter | undefined
    for await (const part of this.#backup.parts(bytes => this.#progress('backup', bytes, this.#backup.size))) {
      if (part.part === 'store-secret') secret = this.#open(part.bytes)
      if (part.part === 'manifest') {
        manifest = part
        archive = await ArchiveWriter.begin(dataDir, part.point.origin)
      }
      if (part.part === 'journal') await archive?.write(part.segment, part.bytes)
    }
    if (manifest === undefined || secret === undefined || archive === undefined) throw damaged()
    await archive.flush()
    const own = await this.#read(archive.partial, manifest.point)
    if (own.previous.seq !== manifest.point.seq || own.previous.running !== manifest.point.running) throw damaged()
    return { manifest, secret, archived: await this.#archive(archive, manifest.point, own) }
  }

  #open(sealed: Uint8Array): Uint8Array {
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      return privateDecrypt({ key: this.#backup.recipientKey, padding, oaepHash: 'sha256' }, sealed)
    } catch (cause) {
      throw damaged(undefined, cause)
    }
  }

  /** The later copy takes the place of the backup's own, when it begins with all of that. */
  async #archive(archive: ArchiveWriter, point: JournalPoint, own: Archived): Promise<Archived> {
    const { dataDir } = this.#config
    const final = join(archiveDirectory(dataDir), point.origin)
    const later = this.#later === undefined ? undefined : await this.#read(this.#later, point)
    if (await hasJournal(final)) {
      // Put there before a crash, from the same backup.
      await rm(archive.partial, { recursive: true, force: true })
      return this.#read(final, point)
    }
    if (this.#later === undefined || later === undefined) {
      await archive.finish()
      return own
    }
    const files = readJournalDirectory(this.#later)
    const copy = await ArchiveWriter.begin(dataDir, point.origin)
    for (const name of (await files.list()).filter(each => /^\d{16}\.log$/.test(each)).toSorted()) {
      for await (const bytes of files.read(name)) await copy.write(name, bytes)
    }
    await copy.finish()
    return later
  }

  /** Verifies a journal that must contain the point. */
  async #read(directory: string, point: JournalPoint): Promise<Archived> {
    const since = nothingSince()
    let hash: string | undefined
    const found = await readHeads(
      readJournalDirectory(directory),
      (record, recordHash) => {
        if (record.seq === point.seq) hash = recordHash
        if (record.seq > point.seq) noteSince(since, record)
      },
      point.seq,
    )
    if (found.verified.fault !== undefined) throw found.verified.fault
    if (found.end?.origin !== point.origin || hash !== point.hash || found.pending.size > 0) {
      throw new WarderError('backup-damaged', `The journal in ${directory} does not contain the point of the backup.`)
    }
    return { ...found, since, previous: found.end }
  }

  async *#records(): AsyncGenerator<StoredRecord> {
    for await (const part of this.#backup.parts()) {
      if (part.part !== 'record') continue
      const { collection, id, revision, attributes, bytes } = part
      yield { collection, id, revision, attributes, body: bytes }
    }
  }

  /** Writes the new journal beside its place, and moves it there when it is whole. */
  async #openJournal(origin: string, manifest: Manifest, { heads, previous }: Archived): Promise<void> {
    const { dataDir, node } = this.#config
    const next = nextJournalDirectory(dataDir)
    await rm(next, { recursive: true, force: true })
    const { seq, hash } = manifest.point
    const told = { state: { seq, hash, time: manifest.time } }
    await openSuccessor(
      {
        journalFiles: await openJournalDirectory(next),
        storeSecret: await openStoreSecret(dataDir, this.#hsm, op),
        log: this.#log,
        now: () => new Date(),
        node,
      },
      { origin, previous, by: 'restore', told },
      heads,
    )
    await move(next, journalDirectory(dataDir))
  }

  async #reapply({ acts, others }: Since): Promise<Restored['since']> {
    const reapplied = acts.length === 0 ? [] : await reapplyAll(await this.#ports(), acts, op)
    return { reapplied, others: Object.fromEntries(others) }
  }

  async #ports() {
    return portsOf(this.#config, { store: this.#store, hsm: this.#hsm, log: this.#log }, op)
  }
}
