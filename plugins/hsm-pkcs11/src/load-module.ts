import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { ckrOf, toWarderError } from './ckr.ts'
import type { Cryptoki } from './cryptoki.ts'
import { asOthers, isNss } from './nss.ts'

export interface LoadedModule {
  readonly lib: Cryptoki
  /** Finalises the module. Nothing may be in flight: PKCS#11 leaves that undefined, and modules crash. Idempotent. */
  close(): void
}

const open = new Set<string>()

/**
 * Loads and initialises a PKCS#11 module, once per process at a time: login state and `C_Finalize` are the process's,
 * so two users of one module would pull it from under each other.
 * @throws WarderError `config-invalid` when it is not a PKCS#11 module; `plugin-failed` when it is open already.
 */
export function loadModule(from: {
  readonly module: string
  readonly environment: Readonly<Record<string, string>>
  readonly initString?: string | undefined
}): LoadedModule {
  if (open.has(from.module))
    throw new WarderError('plugin-failed', 'this PKCS#11 module is open already in this process')
  Object.assign(process.env, from.environment)
  const lib = new pkcs11js.PKCS11()
  try {
    lib.load(from.module)
  } catch (error) {
    throw new WarderError('config-invalid', 'the PKCS#11 module cannot be loaded', {
      facts: { field: 'module' },
      cause: error,
    })
  }
  let initialised = true
  try {
    const flags = pkcs11js.CKF_OS_LOCKING_OK
    // the binding drops the last character
    lib.C_Initialize(from.initString === undefined ? { flags } : { flags, libraryParameters: `${from.initString} ` })
  } catch (error) {
    if (ckrOf(error) !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') {
      lib.close()
      throw toWarderError(error)
    }
    // whoever did it will finalise it
    initialised = false
  }
  open.add(from.module)
  let closed = false
  return {
    lib: isNss(lib) ? asOthers(lib) : lib,
    close: () => {
      if (closed) return
      closed = true
      try {
        if (initialised) lib.C_Finalize()
      } finally {
        lib.close()
        open.delete(from.module)
      }
    },
  }
}
