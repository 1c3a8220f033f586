import pkcs11js from 'pkcs11js'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { findObjects, readAttributes } from './objects.ts'
import { pendingMarker } from './templates.ts'

/**
 * A generation of root keys that several tokens are to share is *pending* from before its first key is made until every token
 * has all of it: each of them has a marker of its number meanwhile. A token unwraps with what it has of a pending generation
 * and wraps nothing under it. So what one token has wrapped every token can unwrap, wherever the making was broken off.
 */

/** One CKA_ID for all of them: found by one search, however many keys the token has. */
const markerId = Buffer.from('warder/pending/N')

export function mark(lib: Cryptoki, session: Handle, number: number): Handle {
  return lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, pendingMarker(number, markerId))
}

/** The numbers of the pending generations, each with its markers: two runs at once leave two. */
export function findPending(lib: Cryptoki, session: Handle): ReadonlyMap<number, readonly Handle[]> {
  const pending = new Map<number, Handle[]>()
  for (const handle of findObjects(lib, session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: markerId },
  ])) {
    const [label] = readAttributes(lib, session, handle, [pkcs11js.CKA_LABEL])
    const number = /^warder\/pending\/([1-9][0-9]{0,8})$/.exec(label.toString('utf8'))?.[1]
    if (number === undefined) continue
    const markers = pending.get(Number(number)) ?? []
    pending.set(Number(number), [...markers, handle])
  }
  return pending
}
