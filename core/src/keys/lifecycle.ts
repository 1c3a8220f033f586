/**
 * The life of a key, after NIST SP 800-57 part 1 revision 5, section 7, as values and pure functions.
 *
 * Glossary
 * - *version state*: `pre-active`, `active`, `deactivated` (replaced; still opens what it protected), `suspended` (stopped,
 *   and may go on), `compromised` (revoked) and `destroyed`.
 * - *to protect*: sign, encrypt, MAC, wrap, agree on a secret. *to process*: verify, decrypt, check a MAC, unwrap.
 * - *key state*: what holds for the key as a whole. `disabled` and `pending-destruction` stop all its versions.
 */
export const versionStates = ['pre-active', 'active', 'deactivated', 'suspended', 'compromised', 'destroyed'] as const
export type VersionState = (typeof versionStates)[number]

export const keyStates = ['enabled', 'disabled', 'pending-destruction', 'destroyed'] as const
export type KeyState = (typeof keyStates)[number]

export type OperationKind = 'protect' | 'process'

/** What each version state allows while its key is enabled. */
const allowedIn: Readonly<Record<VersionState, readonly OperationKind[]>> = {
  'pre-active': [],
  active: ['protect', 'process'],
  deactivated: ['process'],
  suspended: [],
  // Marked in the answer, so that the caller can tell.
  compromised: ['process'],
  destroyed: [],
}

export function allows(key: KeyState, version: VersionState, kind: OperationKind): boolean {
  return key === 'enabled' && allowedIn[version].includes(kind)
}

export type VersionEvent = 'activate' | 'deactivate' | 'promote' | 'suspend' | 'resume' | 'revoke' | 'destroy'

/** From which states each event leads where. `resume` leads back to the state before and is not in this table. */
const versionTransitions: Readonly<
  Record<Exclude<VersionEvent, 'resume'>, readonly [from: readonly VersionState[], to: VersionState]>
> = {
  activate: [['pre-active'], 'active'],
  deactivate: [['active'], 'deactivated'],
  promote: [['deactivated'], 'active'],
  suspend: [['active', 'deactivated'], 'suspended'],
  revoke: [['pre-active', 'active', 'deactivated', 'suspended'], 'compromised'],
  destroy: [['pre-active', 'active', 'deactivated', 'suspended', 'compromised'], 'destroyed'],
}

/** The state after an event, or `undefined` when the event cannot happen in this state. */
export function nextVersionState(
  state: VersionState,
  event: VersionEvent,
  before: 'active' | 'deactivated' | undefined,
): VersionState | undefined {
  if (event === 'resume') return state === 'suspended' ? (before ?? 'deactivated') : undefined
  const [from, to] = versionTransitions[event]
  return from.includes(state) ? to : undefined
}

export type KeyEvent = 'enable' | 'disable' | 'schedule-destruction' | 'restore' | 'destroy'

/** A restored key comes back disabled: whoever restores it decides separately that it is to be used again. */
const keyTransitions: Readonly<Record<KeyEvent, readonly [from: readonly KeyState[], to: KeyState]>> = {
  enable: [['disabled'], 'enabled'],
  disable: [['enabled'], 'disabled'],
  'schedule-destruction': [['enabled', 'disabled'], 'pending-destruction'],
  restore: [['pending-destruction'], 'disabled'],
  destroy: [['pending-destruction'], 'destroyed'],
}

export function nextKeyState(state: KeyState, event: KeyEvent): KeyState | undefined {
  const [from, to] = keyTransitions[event]
  return from.includes(state) ? to : undefined
}

/** RFC 5280 section 5.3.1, those that make sense for a key. */
export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const
export type RevocationReason = (typeof revocationReasons)[number]
