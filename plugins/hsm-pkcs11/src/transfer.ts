import pkcs11js from 'pkcs11js'
import type { GeneratedKey, OaepAlgorithm, Op, SealedRef, WrappedImport } from '@warder/contract'
import type { Capabilities } from './capabilities.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { exportTo, parseRecipient } from './export-key.ts'
import { importResident, importSealed, readImport, type Import } from './import-key.ts'
import { requireId, type Lending } from './lending.ts'
import type { Mechanisms } from './mechanisms.ts'
import { identityOf } from './on-record.ts'
import { requireOaepName, type OaepProbe } from './oaep.ts'
import { opening } from './opening.ts'
import { requireSpec, requireUsage, usageNotAllowed } from './purposes.ts'
import type { ResidentKeys } from './resident-keys.ts'
import type { SealedKeys } from './sealed-keys.ts'
import type { SessionPool } from './session-pool.ts'
import type { WrappingKeys } from './wrapping-keys.ts'
import { wrapOut } from './wrapping.ts'

export interface TransferParts {
  readonly lib: Cryptoki
  readonly pool: SessionPool
  readonly canary: { alive(): Promise<boolean> }
  readonly mechanisms: Mechanisms
  readonly capabilities: Capabilities
  readonly oaep: OaepProbe
  readonly wrappers: WrappingKeys
  readonly residents: ResidentKeys
  readonly sealed: SealedKeys
}

/** Keys on their way into the HSM, out of it, and from one root key to the next; never outside of it in the clear. */
export class Transfer {
  readonly #parts: TransferParts
  readonly #lending: Lending

  constructor(parts: TransferParts, lending: Lending) {
    this.#parts = parts
    this.#lending = lending
  }

  /** As the contract has it; besides, `key-exists` when a resident key of this id is there. */
  async importKey(request: WrappedImport, op: Op): Promise<GeneratedKey> {
    const { spec, under, oaep } = request
    const { pool, residents, capabilities, canary } = this.#parts
    requireId(spec.id)
    requireSpec(spec)
    if (spec.usage === 'import') throw usageNotAllowed('a key that imports others is made in the HSM', spec.usage)
    requireUsage(under, 'import')
    requireOaepName(oaep)
    capabilities.requireImport(spec, oaep, await this.#parts.oaep.offered())
    if (spec.custody === 'resident') await pool.withSession(op, session => residents.requireFree(session, spec.id))
    const parsed = readImport(request)
    return opening(
      () => canary.alive(),
      () =>
        this.#lending.withKey(under, 'import', op, (session, importer) =>
          spec.custody === 'sealed'
            ? this.#takeSealed(session, importer, parsed)
            : this.#takeResident(session, importer, parsed),
        ),
    )
  }

  /** As the contract has it. @throws WarderError `malformed-request` when the recipient is no key of that kind. */
  async exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array> {
    if (ref.custody !== 'sealed' || !ref.exportable || ref.usage === 'import') {
      throw usageNotAllowed('the key was not made to be exported', ref.usage)
    }
    requireOaepName(oaep)
    const { lib, capabilities, sealed } = this.#parts
    const publicKey = parseRecipient(recipient)
    capabilities.requireOaep(oaep, pkcs11js.CKF_WRAP, await this.#parts.oaep.offered())
    // in transit it can prove nothing
    if (identityOf(ref) !== undefined) await sealed.withKey(ref, op, async () => undefined)
    return sealed.inTransit(ref, op, (session, key) => exportTo(lib, session, key, publicKey, oaep))
  }

  async rewrap(ref: SealedRef, op: Op): Promise<SealedRef> {
    const { lib, pool, sealed, wrappers } = this.#parts
    // another process may have made a newer one: to be looked for only where this call would otherwise do nothing
    if (ref.rootKey >= (wrappers.generations.at(-1) ?? 0))
      await pool.withSession(op, session => wrappers.refresh(session))
    return sealed.inTransit(ref, op, async (session, key) => {
      const { number, handle } = wrappers.newestFor(ref)
      return { ...ref, rootKey: number, blob: await wrapOut(lib, session, handle, key) }
    })
  }

  async #takeSealed(session: Handle, importer: Handle, request: Import): Promise<GeneratedKey> {
    const { algorithm, usage, exportable } = request.spec
    const { lib, wrappers, mechanisms } = this.#parts
    const { number, handle } = wrappers.newestFor(request.spec)
    const { blob, identity } = await importSealed(lib, session, importer, request, mechanisms, handle)
    return { ref: { custody: 'sealed', algorithm, usage, exportable, rootKey: number, blob }, ...identity }
  }

  async #takeResident(session: Handle, importer: Handle, request: Import): Promise<GeneratedKey> {
    const { lib, residents, mechanisms } = this.#parts
    const { key, identity } = await importResident(lib, session, importer, request, mechanisms)
    return residents.admit(request.spec, key, identity)
  }
}
