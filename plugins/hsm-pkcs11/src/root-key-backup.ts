import type { RootKeyBackup } from '@warder/contract'
import type { Copies } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import type { KeyCopy } from './key-copy.ts'
import { checkValueIn, nameOf } from './make-root-keys.ts'
import type { Recipient } from './recipient.ts'
import type { WrappingRootKey } from './wrapping-keys.ts'

/** Each root key with the copies that are truly of it, by name and check value. */
export async function copiesOf(
  lib: Cryptoki,
  session: Handle,
  keys: readonly WrappingRootKey[],
  copies: Copies,
): Promise<readonly { readonly key: WrappingRootKey; readonly copies: readonly KeyCopy[] }[]> {
  const all = await copies.all(session)
  return keys.map(key => {
    const named = all.filter(({ name }) => name === nameOf(key))
    if (named.length === 0) return { key, copies: [] }
    const checkValue = checkValueIn(lib, session, key.handle)
    return { key, copies: named.filter(copy => copy.checkValue === checkValue) }
  })
}

/** What is wrapped to this recipient, and what is not. */
export async function backupFor(
  lib: Cryptoki,
  session: Handle,
  keys: readonly WrappingRootKey[],
  copies: Copies,
  recipient: Recipient | undefined,
): Promise<RootKeyBackup> {
  const found = (await copiesOf(lib, session, keys, copies)).map(({ key, copies: own }) => ({
    key,
    copy: own.find(copy => copy.recipient === recipient?.fingerprint),
  }))
  return {
    recipient: recipient?.spki.slice(),
    keys: found.flatMap(({ key: { purpose, number }, copy }) =>
      copy === undefined ? [] : { purpose, number, oaep: copy.oaep, wrapped: copy.wrapped },
    ),
    missing: found.filter(({ copy }) => copy === undefined).map(({ key }) => nameOf(key)),
  }
}
