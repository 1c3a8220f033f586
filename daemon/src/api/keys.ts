import { keyAlgorithms, signatureAlgorithms } from '@warder/contract'
import { z } from 'zod'
import { encodeBase64 } from './base64.ts'
import {
  base64,
  bytes,
  description,
  label,
  listQuery,
  moment,
  name,
  page,
  queryVersion,
  tags,
  version,
} from './fields.ts'
import { operation, pathOf } from './operation.ts'
import { pem } from './pem.ts'

const collection = '/v1/spaces/{space}/keys'
const member = '/v1/spaces/{space}/keys/{key}'

const inSpace = z.strictObject({ space: name })
const ofKey = z.strictObject({ space: name, key: name })
const custody = z.enum(['resident', 'sealed'])
const format = z.enum(['der', 'raw'])

const key = z.object({
  id: z.uuid(),
  space: name,
  name,
  algorithm: z.enum(keyAlgorithms),
  custody,
  usages: z.tuple([z.literal('sign')]),
  tags: z.record(z.string(), z.string()),
  description: z.string(),
  primary: version,
  versions: z.array(z.object({ number: version, state: z.literal('active'), createdAt: moment })),
  generation: z.int(),
  createdAt: moment,
  createdBy: z.string(),
})
const keyList = page(key)
const publicKey = z.object({ version, algorithm: z.enum(keyAlgorithms), spki: base64, pem: z.string() })
const signature = z.object({ signature: base64, algorithm: z.enum(signatureAlgorithms), format, version })
const verification = z.object({ valid: z.boolean(), algorithm: z.enum(signatureAlgorithms), version })

export const keySchemas = {
  Key: key,
  KeyList: keyList,
  PublicKey: publicKey,
  Signature: signature,
  Verification: verification,
}

/** `input` is the message, or its digest when `prehashed`. */
const toSign = {
  algorithm: label.optional(),
  input: bytes,
  prehashed: z.boolean().optional(),
  format: format.optional(),
  version: version.optional(),
}

const createKey = operation({
  id: 'createKey',
  method: 'POST',
  path: collection,
  permission: 'write',
  summary: 'Make a signing key in the HSM',
  params: inSpace,
  request: z.strictObject({
    name,
    algorithm: label,
    custody: custody.optional(),
    tags: tags.optional(),
    description: description.optional(),
  }),
  response: key,
  status: 201,
  location: created => pathOf(member, { space: created.space, key: created.name }),
  handle: (engine, call, { params, body }) => engine.keys.create(call, params.space, body),
})

const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: collection,
  permission: 'read',
  summary: 'List the keys of a space',
  params: inSpace,
  query: listQuery,
  response: keyList,
  status: 200,
  paged: true,
  handle: (engine, call, { params, query }) => engine.keys.list(call, params.space, query),
})

const getKey = operation({
  id: 'getKey',
  method: 'GET',
  path: member,
  permission: 'read',
  summary: 'Describe a key',
  params: ofKey,
  response: key,
  status: 200,
  handle: (engine, call, { params }) => engine.keys.get(call, params.space, params.key),
})

const getPublicKey = operation({
  id: 'getPublicKey',
  method: 'GET',
  path: `${member}/publicKey`,
  permission: 'read',
  summary: 'Export the public half of a key version, the primary one when none is named',
  params: ofKey,
  query: z.strictObject({ version: queryVersion.optional() }),
  response: publicKey,
  status: 200,
  handle: async (engine, call, { params, query }) => {
    const found = await engine.keys.publicKey(call, params.space, params.key, query.version)
    const spki = encodeBase64(found.spki)
    return { version: found.version, algorithm: found.algorithm, spki, pem: pem('PUBLIC KEY', spki) }
  },
})

const sign = operation({
  id: 'sign',
  method: 'POST',
  path: `${member}:sign`,
  permission: 'use',
  summary: 'Sign a message or its digest',
  params: ofKey,
  request: z.strictObject(toSign),
  response: signature,
  status: 200,
  handle: async (engine, call, { params, body }) => {
    const signed = await engine.keys.sign(call, params.space, params.key, body)
    return { ...signed, signature: encodeBase64(signed.signature) }
  },
})

const verify = operation({
  id: 'verify',
  method: 'POST',
  path: `${member}:verify`,
  permission: 'read',
  summary: 'Check a signature; one that does not match is an answer, not an error',
  params: ofKey,
  request: z.strictObject({ ...toSign, signature: bytes }),
  response: verification,
  status: 200,
  handle: (engine, call, { params, body }) => engine.keys.verify(call, params.space, params.key, body),
})

export const keyOperations = [createKey, listKeys, getKey, getPublicKey, sign, verify] as const
