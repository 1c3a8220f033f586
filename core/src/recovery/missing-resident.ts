import { type KeyProvider, type Op, type ResidentRef, WarderError } from '@warder/contract'
import { keys, keyVersions } from '../keys/collection.ts'
import { toRef } from '../keys/material.ts'
import type { Repository } from '../records/repository.ts'
import type { ResidentKey } from './model.ts'

/** Versions whose private half should be in the HSM and is not there: using one answers `hsm-key-missing`. */
export async function missingResident(
  repository: Repository,
  hsm: KeyProvider,
  op: Op,
): Promise<readonly ResidentKey[]> {
  const missing: ResidentKey[] = []
  let after: string | undefined
  for (;;) {
    const ids = repository.ids(keys, { prefix: '', after, limit: 200 })
    for (const id of ids) {
      const key = (await repository.require(keys, id, op)).value
      if (key.custody !== 'resident') continue
      for (const record of repository.ids(keyVersions, { prefix: `${key.id}/`, limit: key.versions.length })) {
        const { value } = await repository.require(keyVersions, record, op)
        if (value.private === null) continue
        const ref = toRef(value)
        if (ref.custody === 'resident' && !(await isThere(ref, hsm, op))) {
          missing.push({ space: key.space, key: key.name, version: value.number })
        }
      }
    }
    after = ids.at(-1)
    if (after === undefined) return missing
  }
}

/** Another key under its id is not the key. */
async function isThere(ref: ResidentRef, hsm: KeyProvider, op: Op): Promise<boolean> {
  try {
    return (await hsm.locate(ref, op)) !== undefined
  } catch (error) {
    if (WarderError.is(error, 'hsm-key-missing')) return false
    throw error
  }
}
