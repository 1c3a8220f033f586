/**
 * Glossary
 * - *record*: one line of the journal: canonical JSON (RFC 8785) of what happened, chained to the one before.
 * - *event*: a record that stands alone, such as a use or a denial.
 * - *intent* and *outcome*: the two records around a mutation. The intent says which records will change from which digest
 *   to which; the outcome says how many of these changes were made. An outcome names the sequence number of its intent.
 * - *origin*: names one journal for ever.
 */
export type EventType =
  'authentication' | 'authorization' | 'key-use' | 'key-lifecycle' | 'approval' | 'configuration' | 'system'

/** What a service says about an event; the journal adds the rest. */
export interface EventDraft {
  readonly type: EventType
  /** `key:sign`, `space:create`, `journal:genesis` … */
  readonly action: string
  /** The request this belongs to. */
  readonly correlation: string
  /** The identity that acted, or `system` for the appliance itself. */
  readonly actor: string
  readonly authn?: { readonly method: string; readonly credential: string; readonly sourceIp: string }
  /** What it was about. Fields that are not declared public are redacted. */
  readonly subject: Readonly<Record<string, unknown>>
  /** `ok`, or the code of the refusal or failure. */
  readonly result: string
}

/** One change of one stored record, by the digests of its sealed body; `null` is "no record". */
export interface WriteDigest {
  readonly collection: string
  readonly id: string
  /** The revision after the change. */
  readonly revision: number
  readonly old: string | null
  readonly new: string | null
}

export type Phase = 'event' | 'intent' | 'outcome'

export interface JournalRecord {
  readonly v: 1
  readonly origin: string
  readonly seq: number
  /** SHA-256 of the record before, hex; 64 zeros in the first. */
  readonly prev: string
  /** 128 random bits, base64, so that a record's hash tells nothing about its content. */
  readonly salt: string
  readonly ts: string
  readonly node: string
  readonly type: EventType
  readonly phase: Phase
  readonly action: string
  readonly correlation: string
  readonly actor: string
  readonly authn?: EventDraft['authn']
  readonly subject: Readonly<Record<string, unknown>>
  /** SHA-256 of the policy set that decided; `null` while permissions come from the credential alone. */
  readonly policyDigest: string | null
  readonly result: string
  /** Names the fields of `subject` that stand as keyed digests. */
  readonly redacted: readonly string[]
  /** In an intent: what will change. */
  readonly writes?: readonly WriteDigest[]
  /** In an outcome: the sequence number of the intent it ends. */
  readonly intent?: number
  /** In an outcome: how many of the intent's writes were made, counted from its first. */
  readonly applied?: number
}
