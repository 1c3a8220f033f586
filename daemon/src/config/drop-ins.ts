import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { PluginReach } from '@warder/contract'
import { note, type Finding } from './finding.ts'
import { isTable } from './merge.ts'
import type { Config } from './schema.ts'
import { operatorPlacesOf, tokenConfigs } from './tokens.ts'

/** What the units deny and a plugin may need. */
export interface DropIn {
  readonly unit: 'warder.service' | 'warder-hsm.service'
  readonly file:
    'database-over-tcp.conf' | 'tracing.conf' | 'network-hsm.conf' | 'hsm-device.conf' | 'operator-pin.conf'
  readonly because: string
}

/** What a plugin says that it reaches; `undefined` where it cannot tell. */
export type Reach = readonly PluginReach[] | undefined

/**
 * The drop-ins that a configuration calls for: what its plugins say that they reach. Of one that cannot tell, its
 * configuration is read for addresses and URLs, and a PKCS#11 module is taken to need a network. One more where the operator
 * has the PIN, and one where spans are sent to a collector.
 */
export function dropInsFor(
  { storage, hsm, tracing }: Pick<Config, 'storage' | 'hsm' | 'tracing'>,
  reach: { readonly storage: Reach; readonly hsm: Reach },
): DropIn[] {
  const forStorage = networkBecause('storage', storage, reach.storage)
  const forHsm = tokenConfigs(hsm)
    .map(config => networkBecause('hsm', { ...hsm, config }, reach.hsm))
    .find(because => because !== undefined)
  const device = reach.hsm?.includes('device') === true ? `${hsm.plugin} says that it uses a device` : undefined
  const [secret] = operatorPlacesOf(hsm)
  const operator = secret && `${secret.join('.')} leaves the PIN to the operator, and the unit wants a credential`
  const collector = tracing && `tracing.endpoint names ${new URL(tracing.endpoint).host}`
  const needed = [
    { unit: 'warder.service', file: 'database-over-tcp.conf', because: forStorage },
    { unit: 'warder.service', file: 'tracing.conf', because: collector },
    { unit: 'warder-hsm.service', file: 'network-hsm.conf', because: forHsm },
    { unit: 'warder-hsm.service', file: 'hsm-device.conf', because: device },
    { unit: 'warder-hsm.service', file: 'operator-pin.conf', because: operator },
  ] as const
  return needed.flatMap(({ because, ...dropIn }) => (because === undefined ? [] : [{ ...dropIn, because }]))
}

/** Why a plugin needs a network; `undefined` when it does not. */
function networkBecause(
  kind: 'storage' | 'hsm',
  { plugin, config }: Config['storage'],
  reach: Reach,
): string | undefined {
  if (reach !== undefined) {
    return reach.includes('network') ? `${plugin} says that it uses the network` : undefined
  }
  const address = addressIn(config)
  if (address !== undefined) return `${kind}.config.${address} names a network address`
  const { module } = config
  if (kind === 'storage' || typeof module !== 'string') return undefined
  return `${basename(module)} may reach its token over a network`
}

/** A note for each, which says whether systemd would find it. */
export function dropInNotes(needed: readonly DropIn[], units = '/etc/systemd/system'): Finding[] {
  return needed.map(({ unit, file, because }) => {
    const place = `${units}/${unit}.d/${file}`
    const state = existsSync(place) ? 'it is installed' : `copy it from /usr/share/doc/warder/examples/${file}`
    return note(place, `This drop-in is needed, as ${because}: ${state}.`)
  })
}

const addressKeys = new Set(['host', 'hosts', 'hostname', 'server', 'servers', 'address', 'endpoint'])
/** A URL with an authority that is neither empty nor a path, which would be a unix socket's. */
const networkUrl = /^(?!file:|unix:)[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?[^/?#%]/i

/** The dotted name of the first value that looks like a network address. */
function addressIn(config: unknown, at = ''): string | undefined {
  for (const [key, value] of Object.entries(isTable(config) ? config : {})) {
    const name = at === '' ? key : `${at}.${key}`
    if (typeof value === 'string' && networkUrl.test(value)) return name
    if (addressKeys.has(key.toLowerCase()) && typeof value === 'string' && !value.startsWith('/')) return name
    const below = addressIn(value, name)
    if (below !== undefined) return below
  }
  return undefined
}
