import type { JournalRecord } from '../audit/event.ts'
import type { Call } from '../call.ts'
import type { ApiKeys, Keys } from '../engine-api.ts'
import { type KeyState, revocationReasons, type VersionState } from '../keys/lifecycle.ts'
import { WarderError } from '@warder/contract'

/** Acts that only ever take something away: repeated on an older state they do no harm, and left out they would. */
const restrictive = ['key:revoke', 'key:disable', 'key:suspend', 'key:destroy', 'api-key:revoke'] as const
type Action = (typeof restrictive)[number]

export interface RestrictiveAct {
  readonly seq: number
  readonly ts: string
  readonly actor: string
  readonly action: Action
  readonly subject: JournalRecord['subject']
}

/** What a journal tells after a point. */
export interface Since {
  readonly acts: RestrictiveAct[]
  /** How many records of each action there are besides; what these did is not in the restored state. */
  readonly others: Map<string, number>
}

export const nothingSince = (): Since => ({ acts: [], others: new Map() })

/**
 * Adds a record that was written after the point. A restrictive act counts from its intent on, which alone says what it is
 * about when a crash came before its outcome, until an outcome says that it was not made.
 */
export function noteSince({ acts, others }: Since, record: JournalRecord): void {
  const { seq, ts, actor, subject, phase, result } = record
  const action = restrictive.find(each => each === record.action)
  if (phase === 'intent') {
    if (action !== undefined) acts.push({ seq, ts, actor, action, subject })
    return
  }
  const at = acts.findIndex(act => act.seq === record.intent)
  if (phase === 'outcome' && at >= 0) {
    if ((record.applied ?? 0) === 0) acts.splice(at, 1)
  } else if (result === 'ok' || (record.applied ?? 0) > 0)
    others.set(record.action, (others.get(record.action) ?? 0) + 1)
}

export interface Reapplied {
  readonly act: RestrictiveAct
  /** `there`: the state has it already. */
  readonly outcome: 'done' | 'there' | 'failed'
  /** Why it failed, for people. */
  readonly why?: string
}

interface Services {
  readonly keys: Pick<Keys, 'get' | 'revoke' | 'disable' | 'suspend' | 'destroy'>
  readonly apiKeys: Pick<ApiKeys, 'revoke'>
}

/** Repeats one act through the services, which journal it. Repeatable: what holds already is left as it is. */
export async function reapply(services: Services, call: Call, act: RestrictiveAct): Promise<Reapplied> {
  try {
    return { act, outcome: await repeat(services, call, act) }
  } catch (error) {
    if (!WarderError.is(error)) throw error
    return { act, outcome: 'failed', why: `${error.message} [${error.code}]` }
  }
}

async function repeat(
  { keys, apiKeys }: Services,
  call: Call,
  { action, subject }: RestrictiveAct,
): Promise<'done' | 'there'> {
  if (action === 'api-key:revoke') {
    await apiKeys.revoke(call, text(subject, 'credential'))
    return 'done'
  }
  const space = text(subject, 'space')
  const name = text(subject, 'name')
  const key = await keys.get(call, space, name)
  if (key.id !== subject['key']) {
    throw new WarderError('key-not-found', 'The key of this name in the restored state is another one.')
  }
  const version = typeof subject['version'] === 'number' ? subject['version'] : undefined
  const chosen = key.versions.filter(({ number }) => version === undefined || number === version)
  const all = (...states: VersionState[]): boolean =>
    chosen.length > 0 && chosen.every(({ state }) => states.includes(state))
  const is = (...states: KeyState[]): boolean => states.includes(key.state)
  switch (action) {
    case 'key:revoke': {
      if (all('compromised', 'destroyed')) return 'there'
      const reason = revocationReasons.find(each => each === subject['reason']) ?? 'unspecified'
      const date = typeof subject['date'] === 'string' ? subject['date'] : undefined
      await keys.revoke(call, space, name, 'any', { version, reason, date })
      return 'done'
    }
    case 'key:disable':
      if (is('disabled', 'pending-destruction', 'destroyed')) return 'there'
      await keys.disable(call, space, name, 'any')
      return 'done'
    case 'key:suspend':
      if (all('suspended', 'compromised', 'destroyed')) return 'there'
      await keys.suspend(call, space, name, 'any', version ?? key.primary)
      return 'done'
    case 'key:destroy':
      if (is('pending-destruction', 'destroyed')) return 'there'
      await keys.destroy(
        call,
        space,
        name,
        'any',
        typeof subject['windowDays'] === 'number' ? subject['windowDays'] : undefined,
      )
      return 'done'
  }
}

function text(subject: JournalRecord['subject'], field: string): string {
  const value = subject[field]
  if (typeof value === 'string') return value
  throw new WarderError('malformed-request', `The record does not name its ${field}.`)
}
