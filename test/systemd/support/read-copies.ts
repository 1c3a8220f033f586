import type { Log } from '@warder/contract'
import { loadConfig } from '../../../daemon/src/config/load.ts'
import { loadPlugin } from '../../../daemon/src/plugins/load.ts'

/** Tests only: prints the wrapped root keys of the token that a configuration names, as JSON. */
const quiet = (): void => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const { hsm, plugins } = await loadConfig(process.argv[2] ?? '')
const { service } = await loadPlugin(
  'hsm',
  { specifier: hsm.plugin, config: hsm.config },
  {
    allow: plugins.allow,
    host: { log, now: () => new Date() },
    openTimeoutMs: 30_000,
  },
)
try {
  const backup = await service.rootKeyBackup?.({ signal: AbortSignal.timeout(30_000) })
  const keys = backup?.keys.map(key => ({ ...key, wrapped: Buffer.from(key.wrapped).toString('base64') }))
  process.stdout.write(JSON.stringify(keys))
} finally {
  await service[Symbol.asyncDispose]()
}
