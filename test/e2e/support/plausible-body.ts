import type { Operation } from '../../../daemon/src/api/operation.ts'

/** What a field of that name may be, so that the rest of a request is good. */
const plausible: Readonly<Record<string, unknown>> = {
  name: 'never-made',
  algorithm: 'P-256',
  usage: 'sign',
  custody: 'sealed',
  exportable: false,
  tags: { a: 'b' },
  description: '',
  rotateEveryDays: 90,
  input: 'AAAA',
  signature: 'AAAA',
  plaintext: 'AAAA',
  ciphertext: 'AAAA',
  aad: '',
  bytes: 'AAAA',
  wrapped: 'AAAA',
  mac: 'AAAA',
  peer: 'AAAA',
  recipient: 'AAAA',
  spki: 'AAAA',
  importKey: '00000000-0000-4000-8000-000000000000',
  oaep: 'RSA-OAEP',
  length: 32,
  version: 1,
  minDecryptVersion: 1,
  minEncryptVersion: 1,
  reason: 'superseded',
  date: '2026-01-01T00:00:00Z',
  windowDays: 7,
  prehashed: false,
  format: 'der',
  identity: 'x',
  spaces: ['fuzz'],
  permissions: ['read'],
  expiresAt: '2999-01-01T00:00:00Z',
}

/** A body that is of the right form for an operation; whether it is to any purpose is another matter. */
export function plausibleBody({ request }: Pick<Operation, 'request'>): Record<string, unknown> {
  const shape = request !== undefined && 'shape' in request ? (request.shape as object) : {}
  return Object.fromEntries(
    Object.keys(shape).flatMap(field => (field in plausible ? [[field, plausible[field]]] : [])),
  )
}
