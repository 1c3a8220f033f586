import { createPublicKey, verify } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KeyView } from '@warder/core'
import { call, type Drilled, plaintextOf, space } from './lifecycle-lanes.ts'
import type { Act, Trace } from './lifecycle-orders.ts'
import { codeOf } from './subject.ts'

/** Everything that is neither as these traces left it nor as the act under way would have: in words, and none when all is well. */
export async function checkTraces(drilled: Drilled, traces: readonly Trace[]): Promise<string[]> {
  const wrong: string[] = []
  // all are looked at before any is used: to go on with the purge of one goes on with all
  for (const trace of traces) wrong.push(...(await checkState(drilled, trace)))
  for (const trace of traces) wrong.push(...(await checkUse(drilled, trace)))
  return wrong
}

async function checkState({ engine: { keys } }: Drilled, { key: old, begun }: Trace): Promise<string[]> {
  const found = await keys.get(call(), space, old.name)
  const wrong: string[] = []
  const asBefore = isDeepStrictEqual(plain(found), plain(old))
  if (!asBefore && !(begun !== undefined && follows(old, begun, found)))
    wrong.push(`${old.name}: neither as before nor after ${begun?.act}`)
  if (!isWhole(found)) wrong.push(`${old.name}: gaps in its versions, or another primary than the active one`)
  return wrong
}

/** Brings it back to use, whatever was being done to it, or sees its purge to its end. */
async function checkUse(drilled: Drilled, { lane, key: { name }, begun, kept }: Trace): Promise<string[]> {
  const { keys, crypto } = drilled.engine
  const wrong: string[] = []
  const must = (holds: boolean, what: string): void => void (holds || wrong.push(`${name}: ${what}`))

  const found = await keys.get(call(), space, name)
  if (lane === 'purge' && (begun?.act === 'purge' || found.state === 'destroyed')) {
    await drilled.maintainLater()
    const { state, versions } = await keys.get(call(), space, name)
    must(state === 'destroyed' && versions.every(version => version.state === 'destroyed'), 'its purge does not go on')
    const code = await codeOf(crypto.encrypt(call(), space, name, { plaintext: plaintextOf(name) }))
    must(code === 'wrong-state', `destroyed, and encrypts: ${code}`)
    return wrong
  }
  if (found.state === 'pending-destruction') await keys.restore(call(), space, name, 'any')
  if (found.state !== 'enabled') await keys.enable(call(), space, name, 'any')
  const rotated = await keys.rotate(call(), space, name, 'any')
  must(rotated.primary === found.versions.length + 1 && isWhole(rotated), 'another next version than the next')
  if (found.custody === 'resident') must(await signs(drilled, name), 'does not sign')
  else
    must(
      (await codeOf(crypto.encrypt(call(), space, name, { plaintext: plaintextOf(name) }))) === undefined,
      'does not encrypt',
    )
  for (const { version, ciphertext } of kept) {
    const input = { ciphertext: Buffer.from(ciphertext, 'base64') }
    const opened = await crypto.decrypt(call(), space, name, input).then(
      ({ plaintext }) => (plaintextOf(name).equals(plaintext) ? 'right' : 'another plaintext'),
      (error: { code?: unknown }) => String(error.code),
    )
    must(opened === 'right', `version ${version} of ${rotated.primary} does not decrypt: ${opened}`)
  }
  return wrong
}

/** Whether `now` is what an act makes of a key: nothing else may have changed. */
function follows(old: KeyView, act: Act, now: KeyView): boolean {
  const same = (...but: readonly (keyof KeyView)[]): boolean =>
    isDeepStrictEqual(without(now, [...but, 'generation']), without(old, [...but, 'generation']))
  const states = now.versions.map(({ state }) => state)
  if (act.act === 'rootKey') return isDeepStrictEqual(plain(now), plain(old))
  if (now.generation !== old.generation + 1) return false
  switch (act.act) {
    case 'rotate':
      return (
        same('versions', 'primary') &&
        now.primary === old.primary + 1 &&
        now.versions.length === old.versions.length + 1 &&
        states.at(-1) === 'active' &&
        states[old.primary - 1] === 'deactivated'
      )
    case 'rollback':
      return (
        same('versions', 'primary') &&
        now.primary === act.version &&
        now.versions.length === old.versions.length &&
        states[old.primary - 1] === 'deactivated' &&
        states[act.version - 1] === 'active'
      )
    case 'destroy':
      return same('state', 'destroyAt') && now.state === 'pending-destruction' && now.destroyAt !== null
    case 'restore':
      return same('state', 'destroyAt') && now.state === 'disabled' && now.destroyAt === null
    case 'enable':
      return same('state') && now.state === 'enabled'
    case 'purge':
      return now.state === 'destroyed' && states.every(state => state === 'destroyed')
  }
}

function isWhole({ versions, primary, state }: KeyView): boolean {
  const active = versions.filter(version => version.state === 'active').map(({ number }) => number)
  return (
    versions.every(({ number }, index) => number === index + 1) &&
    (state === 'destroyed' ? active.length === 0 : isDeepStrictEqual(active, [primary]))
  )
}

async function signs({ engine: { crypto, keys } }: Drilled, name: string): Promise<boolean> {
  const input = Buffer.from('after the kill')
  const { signature, version } = await crypto.sign(call(), space, name, { input })
  const { spki } = await keys.publicKey(call(), space, name, version)
  return verify('sha256', input, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature)
}

/** As it is after a way through JSON. */
const plain = (view: KeyView): unknown => JSON.parse(JSON.stringify(view)) as unknown
const without = (view: KeyView, fields: readonly (keyof KeyView)[]): unknown =>
  Object.fromEntries(
    Object.entries(plain(view) as object).filter(([field]) => !fields.includes(field as keyof KeyView)),
  )
