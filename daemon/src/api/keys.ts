import { keyAlgorithms } from '@warder/contract'
import { z } from 'zod'
import { encodeBase64 } from './base64.ts'
import { base64, description, label, listQuery, name, page, plainText, urlVersion, tags, version } from './fields.ts'
import {
  custody,
  entityOfKey,
  inSpace,
  key,
  keyCollection,
  keyMember,
  keyState,
  keyVersion,
  newKey,
  ofKey,
  rotateEveryDays,
} from './key-fields.ts'
import { operation, pathOf } from './operation.ts'
import { pem } from './pem.ts'

const keyList = page(key)
/** `spki` and `pem` of a key pair, `checkValue` of a secret key. */
const versionDetail = keyVersion.extend({
  algorithm: z.enum(keyAlgorithms),
  spki: base64.optional(),
  pem: z.string().optional(),
  checkValue: base64.optional(),
})
const publicKey = z.object({ version, algorithm: z.enum(keyAlgorithms), spki: base64, pem: z.string() })

export const keySchemas = { Key: key, KeyList: keyList, KeyVersion: versionDetail, PublicKey: publicKey }

const createKey = operation({
  id: 'createKey',
  method: 'POST',
  path: keyCollection,
  permission: 'write',
  summary: 'Make a key in the HSM',
  params: inSpace,
  request: z.strictObject({ ...newKey, rotateEveryDays: rotateEveryDays.optional() }),
  response: key,
  status: 201,
  idempotency: 'kept',
  entity: entityOfKey,
  location: created => pathOf(keyMember, { space: created.space, key: created.name }),
  handle: (engine, call, { params, body }) => engine.keys.create(call, params.space, body),
})

const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: keyCollection,
  permission: 'read',
  summary: 'List the keys of a space, those that all filters fit',
  params: inSpace,
  query: listQuery.extend({
    prefix: name.optional(),
    state: keyState.optional(),
    algorithm: label.optional(),
    custody: custody.optional(),
    /** `name=value`, or `name` for any value. */
    tag: plainText(/^[a-zA-Z0-9._/-]{1,63}(?:=[^]{0,255})?$/, 'must be name=value or name').optional(),
  }),
  response: keyList,
  status: 200,
  paged: true,
  handle: (engine, call, { params, query }) => engine.keys.list(call, params.space, query),
})

const getKey = operation({
  id: 'getKey',
  method: 'GET',
  path: keyMember,
  permission: 'read',
  summary: 'Describe a key',
  params: ofKey,
  response: key,
  status: 200,
  entity: entityOfKey,
  handle: (engine, call, { params }) => engine.keys.get(call, params.space, params.key),
})

const editKey = operation({
  id: 'editKey',
  method: 'PATCH',
  path: keyMember,
  permission: 'write',
  summary: 'Change what may be changed of a key; what is absent stays',
  params: ofKey,
  request: z.strictObject({
    tags: tags.optional(),
    description: description.optional(),
    minDecryptVersion: version.optional(),
    minEncryptVersion: version.optional(),
    rotateEveryDays: rotateEveryDays.optional(),
  }),
  response: key,
  status: 200,
  ifMatch: 'required',
  entity: entityOfKey,
  handle: (engine, call, { params, body, expect }) => engine.keys.edit(call, params.space, params.key, expect, body),
})

const getKeyVersion = operation({
  id: 'getKeyVersion',
  method: 'GET',
  path: `${keyMember}/versions/{version}`,
  permission: 'read',
  summary: 'Describe one version of a key, with what is public of its material',
  params: ofKey.extend({ version: urlVersion }),
  response: versionDetail,
  status: 200,
  handle: async (engine, call, { params }) => {
    const { spki, checkValue, ...rest } = await engine.keys.version(call, params.space, params.key, params.version)
    return {
      ...rest,
      ...(spki === undefined ? {} : inBothForms(spki)),
      ...(checkValue === undefined ? {} : { checkValue: encodeBase64(checkValue) }),
    }
  },
})

const getPublicKey = operation({
  id: 'getPublicKey',
  method: 'GET',
  path: `${keyMember}/publicKey`,
  permission: 'read',
  summary: 'Export the public half of a key version, the primary one when none is named',
  params: ofKey,
  query: z.strictObject({ version: urlVersion.optional() }),
  response: publicKey,
  status: 200,
  handle: async (engine, call, { params, query }) => {
    const found = await engine.keys.publicKey(call, params.space, params.key, query.version)
    return { version: found.version, algorithm: found.algorithm, ...inBothForms(found.spki) }
  },
})

/** SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) as DER and as PEM. */
function inBothForms(der: Uint8Array): { readonly spki: string; readonly pem: string } {
  const spki = encodeBase64(der)
  return { spki, pem: pem('PUBLIC KEY', spki) }
}

export const keyOperations = [createKey, listKeys, getKey, editKey, getKeyVersion, getPublicKey] as const
