import { WarderError, type StandardResult, type StoragePlugin } from '@warder/contract'
import { startFaultProxy, type NetworkPlace } from '@warder/testkit'
import { RemoteStore } from './remote-store.ts'
import { startReferenceServer } from './server.ts'

export interface RemoteConfig {
  readonly host: string
  readonly port: number
}

/** Test-only reference of a networked plugin: the suite is seen to pass with it, and to fail with what is broken of it. */
export const plugin: StoragePlugin<RemoteConfig> = {
  kind: 'storage',
  name: 'remote-reference',
  version: '0.1.0',
  contract: 1,
  supports: { atomicBatch: true, shared: true },
  config: { '~standard': { version: 1, vendor: 'warder', validate: parseConfig } },
  open: async (address, _host, op) => {
    if (op.signal.aborted) throw new WarderError('cancelled', 'The call was cancelled.')
    return new RemoteStore(address).open(op)
  },
}

/** A server with nothing in it and the way to it through a proxy. */
export async function remotePlace(): Promise<NetworkPlace<RemoteConfig>> {
  const server = await startReferenceServer()
  const network = await startFaultProxy({ to: server.address })
  return {
    config: network.address,
    network,
    remove: async () => {
      await network[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function parseConfig(value: unknown): StandardResult<RemoteConfig> {
  if (typeof value !== 'object' || value === null) return { issues: [{ message: 'must be an object' }] }
  const unknown = Object.keys(value).find(key => key !== 'host' && key !== 'port')
  if (unknown !== undefined) return { issues: [{ message: 'unknown key', path: [unknown] }] }
  const { host, port } = value as { host?: unknown; port?: unknown }
  if (typeof host !== 'string') return { issues: [{ message: 'must be a string', path: ['host'] }] }
  if (typeof port !== 'number') return { issues: [{ message: 'must be a number', path: ['port'] }] }
  return { value: { host, port } }
}
