import type { KeyAlgorithm, KeyPurpose, KeySpec, SealedRef } from '@warder/contract'
import { isSecret, keyForms, type PairAlgorithm } from './algorithms.ts'
import { holding, type Cryptoki, type Handle, type Template } from './cryptoki.ts'
import { identify, type Identity } from './identity.ts'
import type { RootKey } from './root-keys.ts'
import { departingPair, departingSecret, residentPair, residentSecret } from './templates.ts'
import { wrapOut } from './wrapping.ts'

/** The key that is kept, and what else was made with it. */
interface Made {
  readonly key: Handle
  readonly publicKey?: Handle
  readonly identity: Identity
}

/** Makes a tenant's key on the token. */
export async function generateResident(lib: Cryptoki, session: Handle, spec: KeySpec): Promise<Made> {
  const { algorithm, usage, id } = spec
  return isSecret(algorithm)
    ? makeSecret(lib, session, algorithm, usage, residentSecret(algorithm, usage, id))
    : makeWhole(lib, session, algorithm, usage, residentPair(algorithm, usage, id))
}

/**
 * Makes a key as session objects, wraps what is to be kept of it out under the root key (RFC 5649) and destroys them. When
 * it throws the caller must close the session, and the objects end with it.
 */
export async function generateSealed(
  lib: Cryptoki,
  session: Handle,
  spec: Pick<KeySpec, 'algorithm' | 'usage' | 'exportable'>,
  rootKey: RootKey,
): Promise<{ readonly ref: SealedRef; readonly identity: Identity }> {
  const { algorithm, usage, exportable } = spec
  const made = isSecret(algorithm)
    ? await makeSecret(lib, session, algorithm, usage, departingSecret(algorithm, usage))
    : await makeWhole(lib, session, algorithm, usage, departingPair(algorithm, usage))
  const blob = await wrapOut(lib, session, rootKey.handle, made.key)
  lib.C_DestroyObject(session, made.key)
  if (made.publicKey !== undefined) lib.C_DestroyObject(session, made.publicKey)
  const ref: SealedRef = { custody: 'sealed', algorithm, usage, exportable, rootKey: rootKey.number, blob }
  return { ref, identity: made.identity }
}

export function makePair(
  lib: Cryptoki,
  session: Handle,
  algorithm: PairAlgorithm,
  templates: { readonly public: Template; readonly private: Template },
): Promise<{ readonly privateKey: Handle; readonly publicKey: Handle }> {
  const mechanism = { mechanism: keyForms[algorithm].generation }
  return holding([], lib.C_GenerateKeyPairAsync(session, mechanism, templates.public, templates.private))
}

async function makeWhole(
  lib: Cryptoki,
  session: Handle,
  algorithm: PairAlgorithm,
  usage: KeyPurpose,
  templates: { readonly public: Template; readonly private: Template },
): Promise<Made> {
  const { privateKey, publicKey } = await makePair(lib, session, algorithm, templates)
  return { key: privateKey, publicKey, identity: identify(lib, session, publicKey, algorithm, usage) }
}

async function makeSecret(
  lib: Cryptoki,
  session: Handle,
  algorithm: KeyAlgorithm,
  usage: KeyPurpose,
  template: Template,
): Promise<Made> {
  const mechanism = { mechanism: keyForms[algorithm].generation }
  const key = await holding([], lib.C_GenerateKeyAsync(session, mechanism, template))
  return { key, identity: identify(lib, session, key, algorithm, usage) }
}
