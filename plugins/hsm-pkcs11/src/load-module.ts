import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { ckrOf, toWarderError } from './ckr.ts'
import type { Cryptoki } from './cryptoki.ts'
import { asOthers, isNss } from './nss.ts'

export interface LoadedModule {
  readonly lib: Cryptoki
  /** Finalises the module. Nothing may be in flight: PKCS#11 leaves that undefined, and modules crash. Idempotent. */
  readonly close: () => void
}

interface Source {
  readonly module: string
  readonly environment: Readonly<Record<string, string>>
  readonly initString?: string | undefined
}

interface Open {
  readonly lib: Cryptoki
  readonly source: Source
  /** Initialised here: whoever else did it will finalise it. */
  readonly initialised: boolean
  users: number
}

const open = new Map<string, Open>()

/**
 * Loads and initialises a PKCS#11 module, once per process at a time: login state and `C_Finalize` are the process's,
 * so two users of one module would pull it from under each other.
 * @throws WarderError `config-invalid` when it is not a PKCS#11 module; `plugin-failed` when it is open already.
 */
export function loadModule(from: Source): LoadedModule {
  if (open.has(from.module))
    throw new WarderError('plugin-failed', 'this PKCS#11 module is open already in this process')
  return shareModule(from)
}

/**
 * The same for one who knows of the others, and uses another token of the module: it is finalised when the last has closed.
 * @throws WarderError besides, `config-invalid` when what is open was configured in another way: the environment is one for
 *   the whole process, and a module reads it once.
 */
export function shareModule(from: Source): LoadedModule {
  for (const { source } of open.values()) requireAgreement(from, source)
  const opened = open.get(from.module) ?? initialise(from)
  opened.users++
  let closed = false
  return {
    lib: isNss(opened.lib) ? asOthers(opened.lib) : opened.lib,
    close: () => {
      if (closed) return
      closed = true
      opened.users--
      if (opened.users === 0) finalise(opened)
    },
  }
}

function initialise(from: Source): Open {
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
    initialised = false
  }
  const opened = { lib, source: from, initialised, users: 0 }
  open.set(from.module, opened)
  return opened
}

function finalise({ lib, source, initialised }: Open): void {
  try {
    if (initialised) lib.C_Finalize()
  } finally {
    lib.close()
    open.delete(source.module)
  }
}

function requireAgreement(one: Source, other: Source): void {
  const names = new Set([...Object.keys(one.environment), ...Object.keys(other.environment)])
  const same = one.module === other.module
  if (same && one.initString !== other.initString) throw disagreement('initString')
  for (const name of names) {
    const [value, others] = [one.environment[name], other.environment[name]]
    if (value !== others && (same || (value !== undefined && others !== undefined))) {
      throw disagreement(`environment.${name}`)
    }
  }
}

function disagreement(field: string): WarderError {
  return new WarderError('config-invalid', `two tokens of one process are configured with another ${field}`, {
    facts: { field },
  })
}
