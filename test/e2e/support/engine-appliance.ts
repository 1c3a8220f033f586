import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyProvider, PluginHost } from '@warder/contract'
import { createEngine, type Engine, initialise, type Ports } from '@warder/core'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { plugin as storagePlugin } from '@warder/storage-sqlite'
import { Closer } from '../../../daemon/src/closer.ts'
import { connectHsm } from '../../../daemon/src/hsm/client.ts'
import { startSupervisor } from '../../../daemon/src/hsm/supervisor.ts'
import { createApp } from '../../../daemon/src/http/app.ts'
import { listen } from '../../../daemon/src/http/listener.ts'
import { openJournalDirectory } from '../../../daemon/src/journal/journal-directory.ts'
import { createLog } from '../../../daemon/src/log/create-log.ts'
import { watchEventLoop } from '../../../daemon/src/metrics/event-loop.ts'
import { createMetrics } from '../../../daemon/src/metrics/metrics.ts'
import { createStoreSecretIfAbsent, openStoreSecret } from '../../../daemon/src/store-secret.ts'
import { createInternalCa, issueServerCertificate } from '../../../daemon/src/tls/internal-ca.ts'
import { Client } from '../../support/client.ts'

const day = 86_400_000

/** An appliance whose clock and limits a test holds: all of it in this process but its HSM hosts. */
export interface EngineAppliance extends AsyncDisposable {
  readonly engine: Engine
  /** What the engine has of the HSM. */
  readonly hsm: KeyProvider
  /** The first administrator, over HTTPS. */
  readonly admin: Client
  client(apiKey?: string): Client
  /** Lets that many days pass, while nothing that is due then is done. */
  sleepDays(days: number): void
  /** Lets that many days pass, and has done what is due then. */
  passDays(days: number): Promise<void>
}

interface EngineOptions extends Pick<Ports, 'useLimits'> {
  /** Stands between the engine and the HSM. */
  readonly between?: (hsm: KeyProvider) => KeyProvider
}

export async function startEngineAppliance(options: EngineOptions = {}): Promise<EngineAppliance> {
  const closer = new Closer()
  try {
    return await start(closer, options)
  } catch (error) {
    await closer[Symbol.asyncDispose]()
    throw error
  }
}

async function start(closer: Closer, { between = hsm => hsm, ...options }: EngineOptions): Promise<EngineAppliance> {
  const op = { signal: new AbortController().signal }
  let passed = 0
  const now = (): Date => new Date(Date.now() + passed)
  const log = createLog({ write: () => true }, 'error')
  const host: PluginHost = { log, now }
  const dir = await mkdtemp(join(tmpdir(), 'warder-e2e-'))
  closer.defer(() => rm(dir, { recursive: true, force: true }))
  for (const name of ['run', 'journal']) await mkdir(join(dir, name), { mode: 0o700 })

  const config = await createSoftHsmToken(join(dir, 'hsm'))
  const supervised = { runDir: join(dir, 'run'), hosts: 1, watchdogMs: 10_000 }
  closer.push(await startSupervisor({ ...supervised, plugin: { specifier: '@warder/hsm-pkcs11', config } }, log))
  const store = closer.push(await storagePlugin.open({ file: join(dir, 'store.sqlite') }, host, op))
  const hsm = closer.push(connectHsm({ runDir: join(dir, 'run'), hosts: 1 }))
  await hsm.ready(op)
  await createStoreSecretIfAbsent(dir, hsm, op)
  const files = { store, hsm, journalFiles: await openJournalDirectory(join(dir, 'journal')) }
  // the engine takes the secret and zeroes it
  const ports = async (): Promise<Ports> => ({
    ...files,
    hsm: between(hsm),
    ...options,
    log,
    now,
    node: 'test',
    storeSecret: await openStoreSecret(dir, hsm, op),
  })
  const { adminKey } = await initialise(await ports(), op)
  const engine = closer.push(await createEngine(await ports(), op))

  const authority = await createInternalCa({ name: 'Warder test', now: now() })
  const certificate = await issueServerCertificate(authority, { hosts: ['127.0.0.1'], now: now() })
  const handle = createApp({
    engine: () => engine,
    whyNot: () => '',
    log,
    metrics: createMetrics(),
    eventLoop: closer.push(watchEventLoop()),
    version: '0.0.0',
    figures: () => engine.figures(),
  })
  const listener = closer.push(await listen({ host: '127.0.0.1', port: 0, ...certificate, handle }))
  const client = (apiKey?: string): Client => {
    const url = `https://127.0.0.1:${listener.address.port}`
    const made = new Client({ url, ca: authority.certificatePem, apiKey })
    closer.defer(async () => made.close())
    return made
  }
  return {
    engine,
    hsm,
    admin: client(adminKey),
    client,
    sleepDays(days) {
      passed += days * day
    },
    async passDays(days) {
      passed += days * day
      await engine.maintain(op)
    },
    [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
  }
}
