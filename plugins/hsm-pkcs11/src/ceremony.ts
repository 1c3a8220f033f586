import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import pkcs11js from 'pkcs11js'
import { WarderError, type HsmPlugin, type RootKeyRecord, type TokenRecord } from '@warder/contract'
import { checkBlock } from './check-value.ts'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Config } from './config.ts'
import { Copies } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { findToken, unpad } from './find-token.ts'
import { login } from './login.ts'
import { checkValueIn, nameOf } from './make-root-keys.ts'
import { asBoolean, readAttributes, readName } from './objects.ts'
import { withModule } from './provision.ts'
import { withPinFile } from './provisioning.ts'
import { readRecipient } from './recipient.ts'
import { copiesOf } from './root-key-backup.ts'
import { findRootKeys } from './root-keys.ts'
import { closeSession } from './session-pool.ts'
import { wrappingPurposes } from './templates.ts'
import { allOf } from './wrapping-keys.ts'

const attributes = [
  'CKA_TOKEN',
  'CKA_PRIVATE',
  'CKA_SENSITIVE',
  'CKA_ALWAYS_SENSITIVE',
  'CKA_EXTRACTABLE',
  'CKA_NEVER_EXTRACTABLE',
  'CKA_LOCAL',
  'CKA_MODIFIABLE',
  'CKA_ENCRYPT',
  'CKA_DECRYPT',
  'CKA_WRAP',
  'CKA_UNWRAP',
  'CKA_SIGN',
  'CKA_VERIFY',
  'CKA_DERIVE',
] as const

const wrappingCheck = 'AES key wrap with padding (RFC 5649) of 8 zero bytes, the first 8 bytes'
const storeCheck = 'AES-256-ECB of the text warder/check-val, the first 8 bytes'

/** What the tokens are and which root keys they have, for the record. Logs in, reads, and changes nothing. */
export const ceremony: NonNullable<HsmPlugin<Config>['ceremony']> = async (config, files, _, peers = []) => {
  const record = await recordOf(withPinFile(config, files))
  if (peers.length === 0) return record
  const others: TokenRecord[] = []
  for (const peer of peers) others.push(await recordOf(withPinFile(peer, files)))
  const all = [record, ...others]
  for (const [index, one] of all.entries()) for (const other of all.slice(index + 1)) requireSame(one, other)
  return { ...record, peers: others }
}

async function recordOf(config: Config): Promise<TokenRecord> {
  const { module } = config
  const recipient = await readRecipient(config.backupRecipient)
  const sha256 = await digestOf(module)
  return withModule(config, async ({ lib }): Promise<TokenRecord> => {
    const { slot, label, serial, manufacturer, model, firmware } = findToken(lib, config.token)
    const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION)
    try {
      await login(lib, session, { serial }, config, () => new Date())
      return {
        module: { path: module, sha256, library: libraryOf(lib) },
        token: { label, serial, manufacturer, model, firmware },
        backupRecipient: recipient?.fingerprint,
        keys: await rootKeysOf(lib, session, new Copies(lib, config.stateDir)),
      }
    } finally {
      closeSession(lib, session)
    }
  })
}

/** @throws WarderError `already-initialised` when a root key that both have is not the same key. */
function requireSame(one: TokenRecord, { token, keys }: TokenRecord): void {
  const { serial } = token
  if (serial === one.token.serial) {
    throw new WarderError('config-invalid', 'two of the tokens that are configured are one', {
      facts: { field: 'token', serial },
    })
  }
  const other = keys.find(({ label, checkedBy, checkValue }) => {
    const same = one.keys.find(each => each.label === label)
    return checkedBy === wrappingCheck && same !== undefined && same.checkValue !== checkValue
  })
  if (other === undefined) return
  const key = other.label
  throw new WarderError(
    'already-initialised',
    `the token ${token.label} has another ${key} than the token ${one.token.label}`,
    {
      facts: { key, token: serial },
    },
  )
}

async function rootKeysOf(lib: Cryptoki, session: Handle, copies: Copies): Promise<readonly RootKeyRecord[]> {
  const { store, ...wrapping } = findRootKeys(lib, session, [...wrappingPurposes, 'store'])
  const copied = await copiesOf(lib, session, allOf(wrapping), copies)
  const wrappers = copied.map(({ key, copies: own }) => ({
    ...described(lib, session, key.handle, `warder/${nameOf(key)}`),
    checkValue: checkValueIn(lib, session, key.handle),
    checkedBy: wrappingCheck,
    wrappedTo: [...new Set(own.map(copy => copy.recipient))].toSorted(),
  }))
  const stores = store.numbers
    .toSorted((a, b) => a - b)
    .map(number => {
      const { handle } = store.require('store', number)
      return {
        ...described(lib, session, handle, `warder/store/${number}`),
        checkValue: storeCheckValue(lib, session, handle),
        checkedBy: storeCheck,
        wrappedTo: [],
      }
    })
  return [...wrappers, ...stores]
}

function described(lib: Cryptoki, session: Handle, key: Handle, label: string) {
  const told = attributes.map(name => [name, flag(lib, session, key, pkcs11js[name])] as const)
  return {
    label,
    id: readName(lib, session, key)?.id.toString('hex') ?? '',
    algorithm: 'AES-256' as const,
    attributes: Object.fromEntries(told),
  }
}

/** `null` where the token does not tell. */
function flag(lib: Cryptoki, session: Handle, key: Handle, attribute: number): boolean | null {
  try {
    return asBoolean(readAttributes(lib, session, key, [attribute])[0])
  } catch (error) {
    if (ckrOf(error) === 'CKR_ATTRIBUTE_TYPE_INVALID') return null
    throw error
  }
}

function storeCheckValue(lib: Cryptoki, session: Handle, key: Handle): string | null {
  try {
    lib.C_EncryptInit(session, { mechanism: pkcs11js.CKM_AES_ECB }, key)
    return lib.C_Encrypt(session, checkBlock, Buffer.alloc(32)).subarray(0, 8).toString('hex')
  } catch (error) {
    if (meaningOf(ckrOf(error) ?? '') === 'unsupported') return null
    throw error
  }
}

function libraryOf(lib: Cryptoki): string {
  const { libraryDescription, libraryVersion, manufacturerID } = lib.C_GetInfo()
  const { major, minor } = libraryVersion
  return `${unpad(libraryDescription)} ${major}.${minor}, ${unpad(manufacturerID)}`
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
