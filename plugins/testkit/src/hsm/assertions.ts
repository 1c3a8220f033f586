import assert from 'node:assert/strict'
import { WarderError, type WarderCode } from '@warder/contract'

/** Bytes as text: a failed comparison then prints something a person can read. */
export function assertBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
  assert.equal(Buffer.from(found).toString('hex'), Buffer.from(wanted).toString('hex'), what)
}

/** Plain bytes of this length. */
export function assertLength(found: unknown, length: number, what: string): void {
  assert.ok(found instanceof Uint8Array, `${what} must be bytes`)
  assert.equal(found.length, length, `the length of ${what}`)
}

async function outcomeOf(call: Promise<unknown>): Promise<{ readonly error: unknown } | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
}

/** That the call is refused with one of these codes, and answers the refusal. */
export async function assertRefused(
  call: Promise<unknown>,
  code: WarderCode | readonly WarderCode[],
  what = 'the call',
): Promise<WarderError> {
  const codes = typeof code === 'string' ? [code] : code
  const outcome = await outcomeOf(call)
  assert.ok(outcome !== undefined, `${what} must be refused with ${codes.join(' or ')}, and was not`)
  const { error } = outcome
  assert.ok(WarderError.is(error), `${what} must be refused with ${codes.join(' or ')}, got ${String(error)}`)
  assert.ok(
    codes.includes(error.code),
    `${what} must be refused with ${codes.join(' or ')}, got ${error.code}: ${error.message}`,
  )
  return error
}

/** That the token says which mechanism it lacks. */
export async function assertUnsupported(call: Promise<unknown>, what: string): Promise<void> {
  const { facts } = await assertRefused(call, 'unsupported-mechanism', what)
  assert.match(String(facts['mechanism']), /^(CKM_[A-Z0-9_]+|0x[0-9a-f]+)$/, `${what}: the mechanism is named`)
}

export async function assertTypeError(call: Promise<unknown>, what: string): Promise<void> {
  const outcome = await outcomeOf(call)
  assert.ok(outcome !== undefined, `${what} must be refused with a TypeError, and was not`)
  assert.ok(
    outcome.error instanceof TypeError,
    `${what} must be refused with a TypeError, got ${String(outcome.error)}`,
  )
}

/** That the call is refused as the caller's bug or by code: for what the contract forbids without naming a code. */
export async function assertTurnedAway(call: Promise<unknown>, what: string): Promise<void> {
  const outcome = await outcomeOf(call)
  assert.ok(outcome !== undefined, `${what} must be refused, and was not`)
  const { error } = outcome
  assert.ok(
    error instanceof TypeError || WarderError.is(error),
    `${what} must be refused by type, got ${String(error)}`,
  )
  assert.ok(!WarderError.is(error, 'hsm-unavailable', 'internal'), `${what} must not look like a broken token`)
}

/**
 * That all of these are refused with one code, one message and the same facts, and that the token goes on after each:
 * who sent them learns nothing from how they failed.
 */
export async function assertUniform(
  attempts: Iterable<readonly [what: string, call: () => Promise<unknown>]>,
  codes: WarderCode | readonly WarderCode[],
  goesOn: () => Promise<void>,
): Promise<void> {
  let first: string | undefined
  for (const [what, call] of attempts) {
    const { code, message, facts } = await assertRefused(call(), codes, what)
    const answer = JSON.stringify({ code, message, facts })
    first ??= answer
    assert.equal(answer, first, `${what} is told apart from the others`)
    await goesOn()
  }
}
