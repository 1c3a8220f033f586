import type { GeneratedKey, KeySpec, OaepAlgorithm, WrappedImport } from '@warder/contract'
import { op, sealedRef, spec, type Token } from './bench.ts'
import { wrapForImport, type KnownKey } from './independent.ts'

/** A way into the token for keys that are known outside. */
export interface Entrance {
  /** The request that brings this key in, to be spoilt or sent. */
  request(known: KnownKey, rest: Partial<KeySpec> & Pick<KeySpec, 'usage'>): WrappedImport
  bring(known: KnownKey, rest: Partial<KeySpec> & Pick<KeySpec, 'usage'>): Promise<GeneratedKey>
  readonly oaep: OaepAlgorithm
  /** Of the import key. */
  readonly spki: Uint8Array
}

/** `undefined` where the token cannot import. Makes an RSA-4096 key, which takes a second or more. */
export async function entrance({ provider, claims }: Token): Promise<Entrance | undefined> {
  const { oaep } = claims
  if (!claims.imports || oaep === undefined) return undefined
  const made = await provider.generate(spec('RSA-4096', 'import'), op)
  const under = sealedRef(made)
  const spki = made.spki ?? new Uint8Array()
  const request: Entrance['request'] = (known, rest) => ({
    under,
    oaep,
    wrapped: wrapForImport(spki, oaep, known.bytes),
    spec: spec(known.algorithm, rest.usage, rest),
    ...(known.spki && { spki: known.spki }),
  })
  return { oaep, spki, request, bring: (known, rest) => provider.importKey(request(known, rest), op) }
}
