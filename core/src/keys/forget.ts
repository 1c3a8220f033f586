import type { KeyProvider, Op } from '@warder/contract'
import { keyVersions, versionId, type VersionRecord } from './collection.ts'
import type { Keyring } from './keyring.ts'
import { toRef } from './material.ts'
import type { KeyView } from './model.ts'

interface Parts {
  readonly keyring: Keyring
  readonly hsm: KeyProvider
}

// what was done is done: nobody's leaving ends this
const unending = (): Op => ({ signal: new AbortController().signal })

/**
 * Has the HSM let go of what it keeps unwrapped of a key, after a change of its state is durable. Never rejects: the records
 * forbid the use already, and what is left in the HSM ends by its age.
 */
export async function forgetKey(
  { keyring, hsm }: Parts,
  { id, versions }: Pick<KeyView, 'id' | 'versions'>,
): Promise<void> {
  if (hsm.forget === undefined) return
  await Promise.allSettled(
    versions.map(async ({ number }) => {
      const found = await keyring.repository.read(keyVersions, versionId(id, number), unending())
      if (found !== undefined) await forgetVersion(hsm, found.value)
    }),
  )
}

/** As {@link forgetKey}, of a version as its record was. */
export async function forgetVersion(hsm: KeyProvider, version: VersionRecord): Promise<void> {
  if (version.private?.custody !== 'sealed') return
  const ref = toRef(version)
  if (ref.custody === 'sealed') await hsm.forget?.(ref, unending()).catch(() => undefined)
}
