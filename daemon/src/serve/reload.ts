import { WarderError } from '@warder/contract'
import type { Config } from '../config/schema.ts'
import { changedFields, takesEffectLive } from './changes.ts'
import type { LeveledLog } from './leveled-log.ts'
import type { TlsPair } from './tls-pair.ts'

export interface Reloadable {
  readonly log: LeveledLog
  /** Reads and checks the configuration anew. */
  load(): Promise<Config>
  readTls(tls: Config['tls']): Promise<TlsPair>
  useTls(pair: TlsPair): void
}

/** What is in force. */
export interface InForce {
  readonly config: Config
  readonly tls: Pick<TlsPair, 'fingerprint' | 'notAfter'>
}

/**
 * Takes over what of a changed configuration can take effect in a running appliance: the log level, and the certificate
 * with its key, also when only the files behind their names have changed. Everything is read and checked before anything
 * is changed; when that fails, all stays as it was, and the log says why.
 */
export async function reload(before: InForce, { log, load, readTls, useTls }: Reloadable): Promise<InForce> {
  let pair: TlsPair | undefined
  try {
    const config = await load()
    pair = await readTls(config.tls)
    const { fingerprint, notAfter } = pair
    const certificateChanged = fingerprint !== before.tls.fingerprint
    const changed = changedFields(before.config, config)
    const waiting = changed.filter(field => !takesEffectLive(field))
    if (certificateChanged) useTls(pair)
    log.level = config.log.level
    if (waiting.length > 0) log.warn('changed, and in force after a restart only', { changed: waiting.join(', ') })
    const live = [...changed.filter(takesEffectLive), ...(certificateChanged ? ['the certificate'] : [])]
    if (live.length > 0) log.info('reloaded', { changed: live.join(', ') })
    else if (waiting.length === 0) log.info('reloaded: no change')
    // what waits for a restart is compared with what is in force, so it is said again at the next reload
    const kept = { ...before.config, log: config.log, tls: config.tls }
    return { config: kept, tls: { fingerprint, notAfter } }
  } catch (error) {
    const why = WarderError.is(error) ? error.message : 'it cannot be read'
    log.error('the configuration was not reloaded; the one in force stays', { error: why })
    return before
  } finally {
    pair?.privateKeyPem.fill(0)
  }
}
