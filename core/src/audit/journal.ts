import { type Health, type Log, WarderError } from '@warder/contract'
import { Clock } from './clock.ts'
import { encodeRecord } from './encode.ts'
import type { EventDraft, JournalRecord, Phase, WriteDigest } from './event.ts'
import type { AppendFile, JournalFiles } from './files.ts'
import {
  type ChainState,
  commitLine,
  emptyChain,
  hashOf,
  isTooLong,
  runningHash,
  segmentName,
  segmentRecords,
} from './line.ts'
import { readJournal } from './read.ts'
import { redact, type RedactionKey } from './redact.ts'
import { Salts } from './salts.ts'
import type { Spans } from '../spans.ts'

export interface JournalContext {
  readonly files: JournalFiles
  readonly log: Log
  readonly now: () => Date
  /** Names this node in every record. */
  readonly node: string
  readonly redaction: RedactionKey
  /** How many records may wait for the disk before more are refused; 8,192 unless told. */
  readonly queueLimit?: number
  readonly spans?: Spans | undefined
}

export interface Appended {
  readonly seq: number
  /** SHA-256 of the record as stored, hex. */
  readonly hash: string
}

interface Line extends Appended {
  /** The record as it is stored, after its hash. */
  readonly line: string
}

interface Pending extends Line {
  resolve(appended: Appended): void
  reject(error: unknown): void
}

/** What only some phases have. */
type Extra = Pick<JournalRecord, 'writes' | 'intent' | 'applied'>
const nothing: Extra = {}

/** A batch never grows past this many bytes, so that one sync stays short. */
const batchBytes = 1 << 20

/**
 * The single writer of one journal. What waits while a sync is in flight goes out together with the next one.
 *
 * When a promise of {@link append}, {@link intent} or {@link outcome} resolves, its record and all before it are durable.
 * After any failure to write the journal stays closed: every further call rejects with `journal-unavailable`.
 */
export class Journal {
  readonly #context: JournalContext
  readonly #origin: string
  #file: AppendFile | undefined
  /** What is durable. */
  #committed: ChainState
  /** Where the next record goes: {@link #committed} plus what is pending or in flight. */
  #next: number
  #head: string
  readonly #salts = new Salts()
  readonly #clock: Clock
  #pending: Pending[] = []
  #flushing: Promise<void> | undefined
  #failure: WarderError | undefined
  #closed = false

  private constructor(context: JournalContext, origin: string, chain: ChainState, file: AppendFile | undefined) {
    this.#context = context
    this.#origin = origin
    this.#committed = chain
    this.#next = chain.next
    this.#head = chain.head
    this.#file = file
    this.#clock = new Clock(context.now)
  }

  /**
   * Starts a new journal with its genesis record, whose subject says what it follows, if anything.
   * @throws WarderError `already-initialised` when there is one.
   */
  static async create(context: JournalContext, origin: string, subject: EventDraft['subject'] = {}): Promise<Journal> {
    if ((await context.files.list()).length > 0) {
      throw new WarderError('already-initialised', 'There are files in the journal directory already.')
    }
    const journal = new Journal(context, origin, emptyChain, undefined)
    await journal.append({
      type: 'system',
      action: 'journal:genesis',
      correlation: 'init',
      actor: 'system',
      subject,
      result: 'ok',
    })
    return journal
  }

  /**
   * Checks the whole journal, hands each record to `visit`, drops a batch that was cut short, and goes on after the last
   * commit.
   * @throws WarderError `not-initialised` when there is no journal, `journal-corrupt` when it was changed.
   */
  static async open(context: JournalContext, visit: (record: JournalRecord, hash: string) => void): Promise<Journal> {
    const { chain, last, tail } = await readJournal(context.files, visit)
    if (last === undefined || chain.origin === undefined) {
      throw new WarderError(
        'not-initialised',
        'There is no journal: its directory holds no segment, or none with a committed record.',
      )
    }
    const file = await context.files.open(last.name, last.committedBytes)
    const journal = new Journal(context, chain.origin, chain, file)
    if (tail.bytes > 0) {
      context.log.warn('dropped an unacknowledged batch at the end of the journal', {
        bytes: tail.bytes,
        records: tail.records,
      })
    }
    await journal.append({
      type: 'system',
      action: 'journal:open',
      correlation: 'start',
      actor: 'system',
      subject: { droppedBytes: tail.bytes },
      result: 'ok',
    })
    return journal
  }

  get origin(): string {
    return this.#origin
  }

  /** Where the chain stands as far as it is durable. */
  get committed(): ChainState {
    return this.#committed
  }

  /** Records that wait for the next sync. */
  get waiting(): number {
    return this.#pending.length
  }

  append(draft: EventDraft): Promise<Appended> {
    return this.#enqueue(draft, 'event', nothing)
  }

  intent(draft: EventDraft, writes: readonly WriteDigest[]): Promise<Appended> {
    return this.#enqueue(draft, 'intent', { writes })
  }

  /** `intent` is the sequence number of the intent this ends. */
  outcome(draft: EventDraft, intent: number, applied: number): Promise<Appended> {
    return this.#enqueue(draft, 'outcome', { intent, applied })
  }

  health(): Health {
    if (this.#failure !== undefined) return { ok: false, detail: this.#failure.message }
    if (this.#closed) return { ok: false, detail: 'closed' }
    return { ok: true, detail: `${this.#committed.next} records, ${this.#pending.length} waiting` }
  }

  /** Writes what waits, then closes. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#flushing
    await this.#file?.close()
  }

  #enqueue(draft: EventDraft, phase: Phase, extra: Extra): Promise<Appended> {
    const { spans } = this.#context
    if (spans === undefined) return this.#add(draft, phase, extra)
    return spans.around('journal.append', () => this.#add(draft, phase, extra))
  }

  #add(draft: EventDraft, phase: Phase, extra: Extra): Promise<Appended> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#closed) return Promise.reject(new WarderError('journal-unavailable', 'The journal is closed.'))
    if (this.#pending.length >= (this.#context.queueLimit ?? 8192)) {
      return Promise.reject(new WarderError('over-capacity', 'Too many records wait for the journal.'))
    }
    return new Promise((resolve, reject) => {
      const { seq, hash, line } = this.#encode(draft, phase, extra, this.#next, this.#head)
      this.#next = seq + 1
      this.#head = hash
      this.#pending.push({ seq, hash, line, resolve, reject })
      this.#flushing ??= Promise.resolve().then(() => this.#flush())
    })
  }

  #encode(draft: EventDraft, phase: Phase, { writes, intent, applied }: Extra, seq: number, prev: string): Line {
    const { node, redaction } = this.#context
    const { type, action, correlation, actor, authn, result } = draft
    const { subject, redacted } = redact(draft.subject, redaction)
    const json = encodeRecord({
      v: 1,
      origin: this.#origin,
      seq,
      prev,
      salt: this.#salts.next(),
      ts: this.#clock.now(),
      node,
      type,
      phase,
      action,
      correlation,
      actor,
      authn,
      subject,
      policyDigest: null,
      result,
      redacted,
      writes,
      intent,
      applied,
    })
    if (isTooLong(json)) throw new TypeError('a journal record exceeds 65,535 bytes')
    const hash = hashOf(json)
    return { seq, hash, line: `${hash} ${json}\n` }
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch()
      const hashes = batch.map(({ hash }) => hash)
      const last = batch.at(-1) as Pending
      const running = runningHash(this.#committed.running, hashes)
      const bytes = Buffer.from(batch.map(({ line }) => line).join('') + commitLine(last.seq, batch.length, running))
      try {
        await this.#write(batch[0] as Pending, bytes)
      } catch (error) {
        await this.#stop(error, batch)
        break
      }
      this.#committed = { origin: this.#origin, next: last.seq + 1, head: last.hash, running }
      for (const { seq, hash, resolve } of batch) resolve({ seq, hash })
    }
    this.#flushing = undefined
  }

  /** The longest run of waiting records that fits one batch and one segment. */
  #takeBatch(): Pending[] {
    let bytes = 0
    let count = 0
    for (const { seq, line } of this.#pending) {
      if (count > 0 && (seq % segmentRecords === 0 || bytes + line.length > batchBytes)) break
      bytes += line.length
      count++
    }
    return this.#pending.splice(0, count)
  }

  async #write(first: Pending, bytes: Uint8Array): Promise<void> {
    if (this.#file !== undefined && first.seq % segmentRecords !== 0) return this.#file.append(bytes)
    const created = await this.#context.files.create(segmentName(first.seq), bytes)
    await this.#file?.close()
    this.#file = created
  }

  /** Closes for good, and leaves a last record that says why when the disk was full. */
  async #stop(error: unknown, batch: readonly Pending[]): Promise<void> {
    const reason = WarderError.is(error, 'journal-unavailable') ? String(error.facts['reason']) : 'io-error'
    this.#failure = new WarderError(
      'journal-unavailable',
      `The journal stopped (${reason}); nothing more is accepted until a restart.`,
      {
        facts: { reason },
        cause: error,
      },
    )
    this.#context.log.error('the journal stopped', { reason, seq: this.#committed.next })
    const waiting = this.#pending.splice(0)
    for (const { reject } of [...batch, ...waiting]) reject(this.#failure)
    // A full segment has no room for one more record, and there was none for another segment.
    if (reason === 'no-space' && this.#file !== undefined && this.#committed.next % segmentRecords !== 0) {
      const draft: EventDraft = {
        type: 'system',
        action: 'journal:stop',
        correlation: 'stop',
        actor: 'system',
        subject: {},
        result: reason,
      }
      const { next, head, running } = this.#committed
      const { line, hash } = this.#encode(draft, 'event', nothing, next, head)
      await this.#file
        .appendLast(Buffer.from(line + commitLine(next, 1, runningHash(running, [hash]))))
        .catch((cause: unknown) =>
          this.#context.log.error('no room for the last journal record', { cause: String(cause) }),
        )
    }
  }
}
