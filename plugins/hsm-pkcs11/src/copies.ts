import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { decodeCopy, encodeCopy, type KeyCopy } from './key-copy.ts'
import { findObjects, readAttributes } from './objects.ts'

const prefix = 'warder/backup/'
/** Longer than any copy; what is longer is none. */
const mostBytes = 4096

/** Takes back what was kept. Never throws: what stays is of a key that is not there, and is passed over. */
export type TakeBack = (session: Handle) => Promise<void>

/**
 * Where wrapped root keys are kept: on the token, as private data objects `warder/backup/<purpose>/<N>`, so that every
 * machine that shares it has them; and where a token takes no data objects (NSS softokn), in files below `stateDir`. Several
 * may be kept for one key. What they say is believed of nobody until it is compared with the key.
 */
export class Copies {
  readonly #lib: Cryptoki
  readonly #directory: string

  constructor(lib: Cryptoki, stateDir: string) {
    this.#lib = lib
    this.#directory = join(stateDir, 'backup')
  }

  /** Durable when it resolves, as far as the token's own objects are. */
  async keep(session: Handle, copy: KeyCopy): Promise<TakeBack> {
    const object = this.#create(session, copy)
    if (object !== undefined) {
      return async own => {
        try {
          this.#lib.C_DestroyObject(own, object)
        } catch {
          // a token that fails now has failed the caller already
        }
      }
    }
    const path = join(this.#directory, fileName(copy))
    await writeDurably(this.#directory, path, encodeCopy(copy))
    return () => rm(path, { force: true }).catch(() => undefined)
  }

  async all(session: Handle): Promise<readonly KeyCopy[]> {
    return [...this.#onToken(session), ...(await this.#inFiles())]
  }

  /** `undefined` when the token takes no such objects. */
  #create(session: Handle, copy: KeyCopy): Handle | undefined {
    try {
      return this.#lib.C_CreateObject(session, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_PRIVATE, value: true },
        { type: pkcs11js.CKA_APPLICATION, value: 'warder' },
        { type: pkcs11js.CKA_LABEL, value: `${prefix}${copy.name}` },
        { type: pkcs11js.CKA_VALUE, value: encodeCopy(copy) },
        { type: pkcs11js.CKA_MODIFIABLE, value: false },
      ])
    } catch (error) {
      const ckr = ckrOf(error)
      if (ckr === undefined || meaningOf(ckr) !== 'other') throw error
      return undefined
    }
  }

  #onToken(session: Handle): readonly KeyCopy[] {
    const objects = findObjects(this.#lib, session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
      { type: pkcs11js.CKA_TOKEN, value: true },
    ])
    return objects.flatMap(object => {
      const [label] = readAttributes(this.#lib, session, object, [pkcs11js.CKA_LABEL])
      const text = label.toString('utf8')
      if (!text.startsWith(prefix)) return []
      const [value] = readAttributes(this.#lib, session, object, [pkcs11js.CKA_VALUE])
      return value.length > mostBytes ? [] : (decodeCopy(text.slice(prefix.length), value) ?? [])
    })
  }

  async #inFiles(): Promise<readonly KeyCopy[]> {
    const found: KeyCopy[] = []
    for (const file of await list(this.#directory)) {
      const [, purpose, number] = /^([a-z-]+)\.([0-9]+)\.[0-9a-f]+\.[0-9a-f]+\.json$/.exec(file) ?? []
      if (purpose === undefined) continue
      const bytes = await readFile(join(this.#directory, file))
      const copy = bytes.length > mostBytes ? undefined : decodeCopy(`${purpose}/${number}`, bytes)
      if (copy !== undefined) found.push(copy)
    }
    return found
  }
}

/** The label of a data object is no key's, whatever follows the prefix. */
export function isCopyLabel(label: string): boolean {
  return label.startsWith(prefix)
}

// one for each key and recipient: writing it again changes nothing
function fileName({ name, checkValue, recipient }: KeyCopy): string {
  return `${name.replace('/', '.')}.${checkValue}.${recipient.slice(0, 16)}.json`
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function writeDurably(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  for (const each of [directory, join(directory, '..')]) await syncDirectory(each)
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
