import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, initialise, type Engine, type Ports } from '@warder/core'
import { createSoftHsmToken, plugin } from '@warder/hsm-pkcs11'
import { memoryStorage } from '@warder/testkit'
import { Closer } from '../../../src/closer.ts'
import { createApp } from '../../../src/http/app.ts'
import { listen } from '../../../src/http/listener.ts'
import { openJournalDirectory } from '../../../src/journal/journal-directory.ts'
import { createLog } from '../../../src/log/create-log.ts'
import { watchEventLoop } from '../../../src/metrics/event-loop.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { meteredHsm, meteredJournal, meteredStore } from '../../../src/metrics/ports.ts'
import { createInternalCa, issueServerCertificate } from '../../../src/tls/internal-ca.ts'

/**
 * The real engine behind the real listener, on a SoftHSM token that this process opens itself; storage is in memory. One at
 * a time: a PKCS#11 module is open once in a process.
 */
export interface RealAppliance extends AsyncDisposable {
  readonly engine: Engine
  readonly url: string
  /** Files. */
  readonly ca: string
  readonly keyFile: string
  readonly directory: string
  logged(): string
}

export async function startRealAppliance(): Promise<RealAppliance> {
  const closer = new Closer()
  const now = new Date()
  const directory = await mkdtemp(join(tmpdir(), 'warder-rest-'))
  closer.defer(() => rm(directory, { recursive: true, force: true }))
  let logged = ''
  const log = createLog({ write: line => void (logged += line) }, 'debug')
  const op = { signal: new AbortController().signal }
  const metrics = createMetrics()
  const token = await createSoftHsmToken(join(directory, 'token'))
  const hsm = closer.push(await plugin.open(token, { log, now: () => new Date() }, op))
  const ports: Ports = {
    store: meteredStore(await memoryStorage.open({}, { log, now: () => new Date() }, op), metrics),
    hsm: meteredHsm(hsm, metrics),
    journalFiles: meteredJournal(await openJournalDirectory(join(directory, 'journal')), metrics),
    storeSecret: new Uint8Array(32).fill(9),
    log,
    now: () => new Date(),
    node: 'test',
  }
  const { adminKey = '' } = await initialise({ ...ports, storeSecret: new Uint8Array(32).fill(9) }, op)
  const engine = closer.push(await createEngine(ports, op))
  const authority = await createInternalCa({ name: 'Warder test', now })
  const certificate = await issueServerCertificate(authority, { hosts: ['127.0.0.1'], now })
  const eventLoop = closer.push(watchEventLoop())
  const handle = createApp({ engine: () => engine, whyNot: () => '', log, metrics, eventLoop, version: '0.0.0' })
  const listener = closer.push(await listen({ host: '127.0.0.1', port: 0, ...certificate, handle }))
  const ca = join(directory, 'ca.pem')
  const keyFile = join(directory, 'key')
  await writeFile(ca, authority.certificatePem)
  await writeFile(keyFile, adminKey, { mode: 0o600 })
  return {
    engine,
    url: `https://127.0.0.1:${listener.address.port}`,
    ca,
    keyFile,
    directory,
    logged: () => logged,
    [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
  }
}
