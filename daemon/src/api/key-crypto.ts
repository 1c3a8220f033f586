import { oaepAlgorithms, signatureAlgorithms } from '@warder/contract'
import type { BatchItem, Decrypted, Encrypted, Maced, Signed } from '@warder/core'
import { z } from 'zod'
import { encodeBase64, encodeSecret } from './base64.ts'
import { base64, bytes, bytesUpTo, inputLimit, label, version } from './fields.ts'
import { keyMember, ofKey } from './key-fields.ts'
import { operation } from './operation.ts'

const format = z.enum(['der', 'raw'])
/** Version byte, version number, IV and tag, around an AES ciphertext. */
const envelope = 1 + 4 + 12 + 16
const signatureAlgorithm = z.enum(signatureAlgorithms)
/** Marks what was checked or opened with a revoked version. */
const marked = { version, compromised: z.literal(true).optional() }

const signature = z.object({ signature: base64, algorithm: signatureAlgorithm, format: format.optional(), version })
const verification = z.object({ valid: z.boolean(), algorithm: signatureAlgorithm, ...marked })
const ciphertext = z.object({ ciphertext: base64, algorithm: z.enum(['A256GCM', ...oaepAlgorithms]), version })
const plaintext = z.object({ plaintext: base64, ...marked })
const mac = z.object({ mac: base64, version })
const macVerification = z.object({ valid: z.boolean(), ...marked })
const wrapped = z.object({ wrapped: base64, version })
const unwrapped = z.object({ bytes: base64, ...marked })
const derived = z.object({ sharedSecret: base64, version })
const dataKey = z.object({ plaintext: base64, ciphertext: base64, version })

export const keyCryptoSchemas = {
  Signature: signature,
  Verification: verification,
  Ciphertext: ciphertext,
  Plaintext: plaintext,
  Mac: mac,
  MacVerification: macVerification,
  Wrapped: wrapped,
  Unwrapped: unwrapped,
  SharedSecret: derived,
  DataKey: dataKey,
}

const ofUse = { method: 'POST', params: ofKey, status: 200 } as const

/** `input` is the message, or its digest when `prehashed`. */
const toSign = {
  algorithm: label.optional(),
  input: bytes,
  prehashed: z.boolean().optional(),
  format: format.optional(),
  version: version.optional(),
}

// A copy with one field in place of another: taking the rest of an object costs V8 a microsecond more.
const signed = (made: Signed) => ({ ...made, signature: encodeBase64(made.signature) })
const encrypted = (made: Encrypted) => ({ ...made, ciphertext: encodeBase64(made.ciphertext) })
const decrypted = (opened: Decrypted) => ({ ...opened, plaintext: encodeSecret(opened.plaintext) })
const maced = (made: Maced) => ({ ...made, mac: encodeBase64(made.mac) })

function each<Made, Shown>(items: readonly BatchItem<Made>[], show: (made: Made) => Shown): BatchItem<Shown>[] {
  return items.map(item => ('ok' in item ? { ok: show(item.ok) } : item))
}

const sign = operation({
  ...ofUse,
  id: 'sign',
  path: `${keyMember}:sign`,
  permission: 'use',
  summary: 'Sign a message or its digest',
  request: z.strictObject(toSign),
  response: signature,
  handle: async (engine, call, { params, body }) =>
    signed(await engine.crypto.sign(call, params.space, params.key, body)),
  handleBatch: async (engine, call, { params, items }) =>
    each(await engine.crypto.signBatch(call, params.space, params.key, items), signed),
})

const verify = operation({
  ...ofUse,
  id: 'verify',
  path: `${keyMember}:verify`,
  permission: 'read',
  summary: 'Check a signature; one that does not match is an answer, not an error',
  request: z.strictObject({ ...toSign, signature: bytes }),
  response: verification,
  handle: (engine, call, { params, body }) => engine.crypto.verify(call, params.space, params.key, body),
  handleBatch: (engine, call, { params, items }) => engine.crypto.verifyBatch(call, params.space, params.key, items),
})

const encrypt = operation({
  ...ofUse,
  id: 'encrypt',
  path: `${keyMember}:encrypt`,
  permission: 'use',
  summary: 'Encrypt up to 64 KiB under an AES key, or what fits one block of an RSA key',
  request: z.strictObject({
    algorithm: label.optional(),
    plaintext: bytes,
    aad: bytes.optional(),
    version: version.optional(),
  }),
  response: ciphertext,
  handle: (engine, call, { params, body }) =>
    wiping([body.plaintext], async () => encrypted(await engine.crypto.encrypt(call, params.space, params.key, body))),
  handleBatch: (engine, call, { params, items }) =>
    wiping(
      items.map(item => item.plaintext),
      async () => each(await engine.crypto.encryptBatch(call, params.space, params.key, items), encrypted),
    ),
})

const decrypt = operation({
  ...ofUse,
  id: 'decrypt',
  path: `${keyMember}:decrypt`,
  permission: 'use',
  summary: 'Decrypt; whatever is wrong with a ciphertext, the answer is the same',
  request: z.strictObject({
    algorithm: label.optional(),
    ciphertext: bytesUpTo(inputLimit + envelope),
    aad: bytes.optional(),
    version: version.optional(),
  }),
  response: plaintext,
  handle: async (engine, call, { params, body }) =>
    decrypted(await engine.crypto.decrypt(call, params.space, params.key, body)),
  handleBatch: async (engine, call, { params, items }) =>
    each(await engine.crypto.decryptBatch(call, params.space, params.key, items), decrypted),
})

const makeMac = operation({
  ...ofUse,
  id: 'mac',
  path: `${keyMember}:mac`,
  permission: 'use',
  summary: 'Authenticate data with an HMAC',
  request: z.strictObject({ input: bytes, version: version.optional() }),
  response: mac,
  handle: async (engine, call, { params, body }) =>
    maced(await engine.crypto.mac(call, params.space, params.key, body)),
  handleBatch: async (engine, call, { params, items }) =>
    each(await engine.crypto.macBatch(call, params.space, params.key, items), maced),
})

const verifyMac = operation({
  ...ofUse,
  id: 'verifyMac',
  path: `${keyMember}:verifyMac`,
  permission: 'read',
  summary: 'Check an HMAC; one that does not match is an answer, not an error',
  request: z.strictObject({ input: bytes, mac: bytes, version: version.optional() }),
  response: macVerification,
  handle: (engine, call, { params, body }) => engine.crypto.verifyMac(call, params.space, params.key, body),
})

const wrap = operation({
  ...ofUse,
  id: 'wrap',
  path: `${keyMember}:wrap`,
  permission: 'use',
  summary: 'Wrap 1 to 4,096 bytes of your own, such as a key',
  request: z.strictObject({ bytes: bytesUpTo(4096), version: version.optional() }),
  response: wrapped,
  handle: (engine, call, { params, body }) =>
    wiping([body.bytes], async () => {
      const made = await engine.crypto.wrap(call, params.space, params.key, body)
      return { ...made, wrapped: encodeBase64(made.wrapped) }
    }),
})

const unwrap = operation({
  ...ofUse,
  id: 'unwrap',
  path: `${keyMember}:unwrap`,
  permission: 'use',
  summary: 'Unwrap what was wrapped here; whatever is wrong with it, the answer is the same',
  request: z.strictObject({ wrapped: bytesUpTo(8192) }),
  response: unwrapped,
  handle: async (engine, call, { params, body }) => {
    const opened = await engine.crypto.unwrap(call, params.space, params.key, body)
    return { ...opened, bytes: encodeSecret(opened.bytes) }
  },
})

const derive = operation({
  ...ofUse,
  id: 'derive',
  path: `${keyMember}:derive`,
  permission: 'use',
  summary: 'Agree on a secret with the holder of another key of the same curve (ECDH)',
  request: z.strictObject({ peer: bytesUpTo(1024), version: version.optional() }),
  response: derived,
  handle: async (engine, call, { params, body }) => {
    const agreed = await engine.crypto.derive(call, params.space, params.key, body)
    return { ...agreed, sharedSecret: encodeSecret(agreed.sharedSecret) }
  },
})

const generateDataKey = operation({
  ...ofUse,
  id: 'generateDataKey',
  path: `${keyMember}:generateDataKey`,
  permission: 'use',
  summary: 'Make a fresh key, and answer it plain and encrypted under this one',
  request: z.strictObject({ length: z.literal([16, 24, 32, 48, 64]), aad: bytes.optional() }),
  response: dataKey,
  handle: async (engine, call, { params, body }) => {
    const made = await engine.crypto.generateDataKey(call, params.space, params.key, body)
    return { ...made, plaintext: encodeSecret(made.plaintext), ciphertext: encodeBase64(made.ciphertext) }
  },
})

/** Wipes what a caller sent to be kept secret, whatever comes of it. */
async function wiping<T>(secrets: readonly Uint8Array[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    for (const secret of secrets) secret.fill(0)
  }
}

export const keyCryptoOperations = [
  sign,
  verify,
  encrypt,
  decrypt,
  makeMac,
  verifyMac,
  wrap,
  unwrap,
  derive,
  generateDataKey,
] as const
