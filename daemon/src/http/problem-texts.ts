import type { WarderCode } from '@warder/contract'

/** What a code means and what to do about it, for people. `docs/errors.md` has the same words; a test keeps them so. */
export interface ProblemText {
  readonly meaning: string
  readonly remedy: string
}

/** Markdown, in one line each. */
export const problemTexts: Readonly<Record<WarderCode, ProblemText>> = {
  'malformed-request': {
    meaning: 'The body, a parameter or a header does not have the shape this operation takes.',
    remedy: 'Correct the field that the facts name.',
  },
  'unknown-field': {
    meaning: 'A field that this operation does not take. Nothing was ignored; nothing was done.',
    remedy: 'Remove it, or check its spelling.',
  },
  'forbidden-field': {
    meaning: 'A field name that is never accepted, such as `__proto__`.',
    remedy: 'Remove it.',
  },
  'malformed-base64': {
    meaning: 'A field that must be base64 (or base64url) is not.',
    remedy: 'Encode it again.',
  },
  'body-too-large': {
    meaning: 'The body is longer than this operation reads, or one input in it is longer than 64 KiB.',
    remedy: 'Sign a digest of large data, with `prehashed`; encrypt it under a data key.',
  },
  'too-complex': {
    meaning: 'The JSON is nested too deeply or has too many parts, or there are too many headers.',
    remedy: 'Send a flatter document, or fewer headers.',
  },
  'unsupported-media-type': {
    meaning: 'The body is not uncompressed `application/json` in UTF-8.',
    remedy: 'Set `Content-Type: application/json`; do not compress.',
  },
  'route-not-found': {
    meaning: 'There is no such path.',
    remedy: 'Compare with `/openapi.json`.',
  },
  'method-not-allowed': {
    meaning: 'The path exists and does not take this method.',
    remedy: 'See the `Allow` header and `/openapi.json`.',
  },
  'missing-credentials': {
    meaning: 'The request brought no credentials that Warder can use.',
    remedy: 'Send `Authorization: Bearer` with an API key.',
  },
  'invalid-credentials': {
    meaning: 'The credentials are unknown, wrong, expired or revoked; the answer does not tell which.',
    remedy: 'Use a valid API key, or ask an administrator for one.',
  },
  forbidden: {
    meaning: 'The caller is known and may not do this.',
    remedy: 'Ask for the permission, in this space.',
  },
  'space-not-found': {
    meaning: 'There is no such space for this caller.',
    remedy: 'Check the name.',
  },
  'space-exists': {
    meaning: 'The name of the space is taken.',
    remedy: 'Choose another.',
  },
  'key-not-found': {
    meaning: 'There is no such key in this space.',
    remedy: 'Check the name and the space.',
  },
  'key-exists': {
    meaning: 'The key name is taken, or was used before: names are never used twice.',
    remedy: 'Choose another.',
  },
  'version-not-found': {
    meaning: 'The key has no version of this number.',
    remedy: 'Read the key to see its versions.',
  },
  'version-below-minimum': {
    meaning: 'The version is below the minimum that this key sets for what was asked.',
    remedy: 'Use a newer version, or lower `minDecryptVersion` or `minEncryptVersion`.',
  },
  'unknown-algorithm': {
    meaning: 'Warder does not know this algorithm.',
    remedy: 'Use a name that the message lists or `/openapi.json` has.',
  },
  'algorithm-mismatch': {
    meaning: 'The algorithm exists and does not fit the type of this key.',
    remedy: "Use one that fits, or leave it out for the key's default.",
  },
  'usage-not-allowed': {
    meaning: 'The key is not for this use.',
    remedy: 'Use a key that was made for it.',
  },
  'wrong-state': {
    meaning: 'The state of the key or version does not allow this.',
    remedy: "Read the key's state.",
  },
  'decryption-failed': {
    meaning:
      'What was sent could not be opened: decrypted, unwrapped or imported. The answer does not tell why, on purpose.',
    remedy: 'Check the key, the version and the `aad`, and that nothing was changed on the way.',
  },
  'not-exportable': {
    meaning: 'The key was not made to be exported. Nothing can change that.',
    remedy: 'Make another key with `exportable`, or use this one where it is.',
  },
  'use-limit-reached': {
    meaning: 'This version was used as often as it may be: an AES-GCM key wears out.',
    remedy: 'Rotate the key.',
  },
  'import-key-not-found': {
    meaning: 'There is no such import key: it was used, has expired, or never was.',
    remedy: 'Fetch the import key again and wrap under it.',
  },
  'precondition-required': {
    meaning: 'This changes something, and the request does not say which state of it was seen.',
    remedy: 'Read it, and send its `ETag` as `If-Match`.',
  },
  'precondition-failed': {
    meaning: 'The thing is not any more what `If-Match` names. Nothing was changed by this request.',
    remedy: 'Read it again and decide anew.',
  },
  'idempotency-conflict': {
    meaning:
      'This `Idempotency-Key` was used for another request, or for one whose answer held a secret and was not kept.',
    remedy: 'Use a fresh key for each request; look whether the first one took place.',
  },
  'idempotency-in-flight': {
    meaning: 'The first request of this `Idempotency-Key` is still running.',
    remedy: 'Repeat when it is done.',
  },
  'api-key-not-found': {
    meaning: 'There is no API key of this id.',
    remedy: 'List the API keys.',
  },
  'stale-revision': {
    meaning: 'Somebody else changed the record meanwhile; nothing was changed by this request.',
    remedy: 'Read it again and repeat.',
  },
  'record-corrupt': {
    meaning: 'A stored record does not match its seal: it was changed outside Warder, or damaged.',
    remedy: 'Operator: take the storage out of service, keep a copy as evidence, restore from backup.',
  },
  'record-rolled-back': {
    meaning: 'Storage returned a record older than the journal says.',
    remedy: 'Operator: as above; look for a restored snapshot or a stale replica.',
  },
  'record-missing': {
    meaning: 'The journal knows a record that storage says does not exist.',
    remedy: 'Operator: as above.',
  },
  'storage-unavailable': {
    meaning: 'Storage did not answer or failed. A change that was under way may or may not have happened.',
    remedy: 'Repeat later; read before repeating a change. Operator: see health and log.',
  },
  'journal-unavailable': {
    meaning:
      'The audit journal cannot be written, so nothing is done: disk full, an I/O error, or its file was removed.',
    remedy: 'Operator: repair the disk, then restart; a failed fsync is never retried.',
  },
  'journal-corrupt': {
    meaning: 'The journal does not verify. The appliance refuses to start on it.',
    remedy: 'Operator: keep it as evidence and find out what changed it.',
  },
  'over-capacity': {
    meaning: 'A bounded queue is full. Nothing was done.',
    remedy: 'Repeat after `Retry-After`.',
  },
  'unsupported-mechanism': {
    meaning: 'The HSM lacks a mechanism that this algorithm and custody need. Nothing was made.',
    remedy: 'Choose another algorithm or custody; the facts name the mechanism.',
  },
  'hsm-unavailable': {
    meaning: 'No HSM host could take the call, or one died during it.',
    remedy: 'Repeat later; hosts are restarted by their supervisor.',
  },
  'hsm-timeout': {
    meaning: 'The HSM did not answer before the deadline. A call that makes something may still have happened.',
    remedy: 'Repeat later.',
  },
  'hsm-failed': {
    meaning: 'The HSM answered with an error.',
    remedy: 'Operator: the log has the PKCS#11 code.',
  },
  'hsm-key-missing': {
    meaning: 'The token lacks a key that its records say it has, or has another in its place.',
    remedy: 'Operator: check that the right token is connected.',
  },
  'pin-refused': {
    meaning: 'The token refused the PIN. Warder never tries a refused PIN again by itself: tokens lock.',
    remedy: 'Operator: provide the right PIN, then `warder unseal`.',
  },
  sealed: {
    meaning:
      'The appliance runs and is sealed: nobody has given it the PIN, or an operator took it away. Nothing was done.',
    remedy: 'Operator: `warder unseal` on its host; `warder status` says why it is sealed.',
  },
  'not-initialised': {
    meaning: 'The appliance has not been set up.',
    remedy: 'Operator: initialise it.',
  },
  'already-initialised': {
    meaning: 'The appliance is set up already; nothing was changed.',
    remedy: 'Nothing, or use an empty directory and token.',
  },
  'backup-not-possible': {
    meaning:
      'There is no recipient to seal a backup to, or a root key in use has no copy for the recipient. Nothing was read.',
    remedy: 'Operator: the message names the fix: `hsm.config.backupRecipient`, then `warder root-key rotate`.',
  },
  'backup-damaged': {
    meaning: 'The backup was changed, is not all of it, or is for another recipient. Nothing was restored from it.',
    remedy: 'Operator: take another copy of it, or the recipient key that the message names.',
  },
  'plugin-failed': {
    meaning: 'A plugin could not be loaded or opened, or broke its contract.',
    remedy: 'Operator: the message names the plugin and the fix.',
  },
  'config-invalid': {
    meaning: 'The configuration is refused.',
    remedy: 'Operator: the message names the field.',
  },
  cancelled: {
    meaning: 'The work was given up: the caller went away, or the appliance is closing.',
    remedy: 'Repeat.',
  },
  internal: {
    meaning: 'A defect in Warder.',
    remedy: 'Report it with the request id.',
  },
}
