import type { apiKeyOperations } from '../api/api-keys.ts'
import type { backupOperations } from '../api/backup.ts'
import type { keyCryptoOperations } from '../api/key-crypto.ts'
import type { keyLifecycleOperations } from '../api/key-lifecycle.ts'
import type { keyOperations } from '../api/keys.ts'
import type { randomOperations } from '../api/random.ts'
import type { rootKeyOperations } from '../api/root-keys.ts'
import type { spaceOperations } from '../api/spaces.ts'
import type { transferOperations } from '../api/transfers.ts'

declare const operation: unique symbol

/** Where an operation is, and as a type only, what it takes and answers. */
export interface Route<Stated = unknown> {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly [operation]?: Stated
}

const get = <Stated>(path: string): Route<Stated> => ({ method: 'GET', path })
const post = <Stated>(path: string): Route<Stated> => ({ method: 'POST', path })
const patch = <Stated>(path: string): Route<Stated> => ({ method: 'PATCH', path })

type Spaces = typeof spaceOperations
type Keys = typeof keyOperations
type Lifecycle = typeof keyLifecycleOperations
type Crypto = typeof keyCryptoOperations
type Transfers = typeof transferOperations
type RootKeys = typeof rootKeyOperations
type Random = typeof randomOperations
type ApiKeys = typeof apiKeyOperations
type Backups = typeof backupOperations

const keys = '/v1/spaces/{space}/keys'
const key = `${keys}/{key}`

/**
 * The operations of the table in `api/`, by id. The types are the table's own; methods and paths are written again, so that
 * a client loads neither the schemas nor the engine behind them. A test compares the two, line by line.
 */
export const routes = {
  createSpace: post<Spaces[0]>('/v1/spaces'),
  listSpaces: get<Spaces[1]>('/v1/spaces'),
  getSpace: get<Spaces[2]>('/v1/spaces/{space}'),

  createKey: post<Keys[0]>(keys),
  listKeys: get<Keys[1]>(keys),
  getKey: get<Keys[2]>(key),
  editKey: patch<Keys[3]>(key),
  getKeyVersion: get<Keys[4]>(`${key}/versions/{version}`),
  getPublicKey: get<Keys[5]>(`${key}/publicKey`),

  rotateKey: post<Lifecycle[0]>(`${key}:rotate`),
  rollbackKey: post<Lifecycle[1]>(`${key}:rollback`),
  enableKey: post<Lifecycle[2]>(`${key}:enable`),
  disableKey: post<Lifecycle[3]>(`${key}:disable`),
  suspendKeyVersion: post<Lifecycle[4]>(`${key}:suspend`),
  resumeKeyVersion: post<Lifecycle[5]>(`${key}:resume`),
  revokeKey: post<Lifecycle[6]>(`${key}:revoke`),
  destroyKey: post<Lifecycle[7]>(`${key}:destroy`),
  restoreKey: post<Lifecycle[8]>(`${key}:restore`),

  sign: post<Crypto[0]>(`${key}:sign`),
  verify: post<Crypto[1]>(`${key}:verify`),
  encrypt: post<Crypto[2]>(`${key}:encrypt`),
  decrypt: post<Crypto[3]>(`${key}:decrypt`),
  mac: post<Crypto[4]>(`${key}:mac`),
  verifyMac: post<Crypto[5]>(`${key}:verifyMac`),
  wrap: post<Crypto[6]>(`${key}:wrap`),
  unwrap: post<Crypto[7]>(`${key}:unwrap`),
  derive: post<Crypto[8]>(`${key}:derive`),
  generateDataKey: post<Crypto[9]>(`${key}:generateDataKey`),

  getImportKey: get<Transfers[0]>('/v1/spaces/{space}/importKey'),
  importKey: post<Transfers[1]>(`${keys}:import`),
  exportKey: post<Transfers[2]>(`${key}:export`),

  getRootKeys: get<RootKeys[0]>('/v1/rootKeys'),
  rotateRootKey: post<RootKeys[1]>('/v1/rootKeys:rotate'),

  random: post<Random[0]>('/v1/random'),

  createApiKey: post<ApiKeys[0]>('/v1/apiKeys'),
  listApiKeys: get<ApiKeys[1]>('/v1/apiKeys'),
  revokeApiKey: post<ApiKeys[2]>('/v1/apiKeys/{id}:revoke'),

  createBackup: post<Backups[0]>('/v1/backup'),
} as const

export type OperationId = keyof typeof routes

export type StatedBy<Id extends OperationId> = (typeof routes)[Id] extends Route<infer Stated> ? Stated : never
