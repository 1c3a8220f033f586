import { oaepAlgorithms } from '@warder/contract'
import { z } from 'zod'
import { encodeBase64 } from './base64.ts'
import { base64, bytesUpTo, label, moment, version } from './fields.ts'
import { entityOfKey, inSpace, key, keyCollection, keyMember, newKey, ofKey } from './key-fields.ts'
import { operation, pathOf } from './operation.ts'
import { pem } from './pem.ts'

/** Room for a wrapped RSA-4096 private key, with its AES key under RSA-4096. */
const wrappedKeyLimit = 8192
const spkiLimit = 2048

const importKeyView = z.object({
  id: z.string(),
  spki: base64,
  pem: z.string(),
  oaep: z.enum(oaepAlgorithms),
  expiresAt: moment,
})
const exported = z.object({ wrapped: base64, oaep: z.enum(oaepAlgorithms), version })

export const transferSchemas = { ImportKey: importKeyView, ExportedKey: exported }

const getImportKey = operation({
  id: 'getImportKey',
  method: 'GET',
  path: '/v1/spaces/{space}/importKey',
  permission: 'write',
  summary: 'The public key to wrap an import under; it serves one import',
  params: inSpace,
  response: importKeyView,
  status: 200,
  handle: async (engine, call, { params }) => {
    const { id, spki: der, oaep, expiresAt } = await engine.transfers.importKey(call, params.space)
    const spki = encodeBase64(der)
    return { id, spki, pem: pem('PUBLIC KEY', spki), oaep, expiresAt }
  },
})

const importKey = operation({
  id: 'importKey',
  method: 'POST',
  path: `${keyCollection}:import`,
  permission: 'write',
  summary: 'Bring a key of your own, wrapped under the import key',
  params: inSpace,
  request: z.strictObject({
    ...newKey,
    importKey: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the id of an import key'),
    wrapped: bytesUpTo(wrappedKeyLimit),
    spki: bytesUpTo(spkiLimit).optional(),
  }),
  response: key,
  status: 201,
  idempotency: 'kept',
  entity: entityOfKey,
  location: created => pathOf(keyMember, { space: created.space, key: created.name }),
  handle: (engine, call, { params, body }) => engine.transfers.importKeyMaterial(call, params.space, body),
})

const exportKey = operation({
  id: 'exportKey',
  method: 'POST',
  path: `${keyMember}:export`,
  permission: 'admin',
  summary: 'Take a key out that was made exportable, wrapped to the RSA key of a recipient',
  params: ofKey,
  request: z.strictObject({
    recipient: bytesUpTo(spkiLimit),
    oaep: label.optional(),
    version: version.optional(),
  }),
  response: exported,
  status: 200,
  handle: async (engine, call, { params, body }) => {
    const out = await engine.transfers.exportKey(call, params.space, params.key, body)
    return { ...out, wrapped: encodeBase64(out.wrapped) }
  },
})

export const transferOperations = [getImportKey, importKey, exportKey] as const
