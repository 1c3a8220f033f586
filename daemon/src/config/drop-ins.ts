import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { note, type Finding } from './finding.ts'
import { isTable } from './merge.ts'
import { operatorSecretsIn } from './references.ts'
import type { Config } from './schema.ts'

/** What the units deny and a plugin may need. */
export interface DropIn {
  readonly unit: 'warder.service' | 'warder-hsm.service'
  readonly file: 'database-over-tcp.conf' | 'network-hsm.conf' | 'operator-pin.conf'
  readonly because: string
}

/** Modules that reach their token without a network. Of any other nobody but its maker can say. */
const localModules = new Set(['libsofthsm2.so', 'libsoftokn3.so', 'opensc-pkcs11.so', 'onepin-opensc-pkcs11.so'])

/**
 * The drop-ins that a configuration calls for. A plugin does not say by itself whether it uses the network, so this reads
 * its configuration: addresses and URLs, for HSMs the PKCS#11 module, and whether the operator has the PIN.
 */
export function dropInsFor({ storage, hsm }: Pick<Config, 'storage' | 'hsm'>): DropIn[] {
  const needed: DropIn[] = []
  const remote = addressIn(storage.config)
  if (remote !== undefined) {
    const because = `storage.config.${remote} names a network address`
    needed.push({ unit: 'warder.service', file: 'database-over-tcp.conf', because })
  }
  const address = addressIn(hsm.config)
  const { module } = hsm.config
  if (address !== undefined) {
    const because = `hsm.config.${address} names a network address`
    needed.push({ unit: 'warder-hsm.service', file: 'network-hsm.conf', because })
  } else if (typeof module === 'string' && !localModules.has(basename(module))) {
    const because = `${basename(module)} may reach its token over a network`
    needed.push({ unit: 'warder-hsm.service', file: 'network-hsm.conf', because })
  }
  const [secret] = operatorSecretsIn(hsm.config)
  if (secret !== undefined) {
    const because = `hsm.config.${secret.join('.')} leaves the PIN to the operator, and the unit wants a credential`
    needed.push({ unit: 'warder-hsm.service', file: 'operator-pin.conf', because })
  }
  return needed
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
