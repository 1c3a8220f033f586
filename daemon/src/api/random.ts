import { z } from 'zod'
import { encodeSecret } from './base64.ts'
import { base64 } from './fields.ts'
import { operation } from './operation.ts'

const randomBytes = z.object({ bytes: base64 })

export const randomSchemas = { RandomBytes: randomBytes }

const random = operation({
  id: 'random',
  method: 'POST',
  path: '/v1/random',
  permission: 'use',
  summary: "Bytes from the HSM's generator",
  request: z.strictObject({ length: z.int().min(1).max(4096) }),
  response: randomBytes,
  status: 200,
  handle: async (engine, call, { body }) => ({ bytes: encodeSecret(await engine.crypto.random(call, body.length)) }),
})

export const randomOperations = [random] as const
