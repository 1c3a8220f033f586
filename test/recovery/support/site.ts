import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
  verify,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyProvider, Log, RootKeyBackup, Store, StoredRecord } from '@warder/contract'
import { type AdminKeyDelivery, type Call, createEngine, type Engine, permissions } from '@warder/core'
import { expect } from 'chai'
import { BackupFile } from '../../../daemon/src/backup/open.ts'
import { openBackupFile } from '../../../daemon/src/backup/read-root-keys.ts'
import { sealBackup } from '../../../daemon/src/backup/seal.ts'
import { initialiseAppliance, portsOf, withBackends } from '../../../daemon/src/compose.ts'
import type { Config } from '../../../daemon/src/config/schema.ts'
import { layout, prepare } from '../../../daemon/src/dev/prepare.ts'
import { createApp } from '../../../daemon/src/http/app.ts'
import { listen } from '../../../daemon/src/http/listener.ts'
import { createMetrics } from '../../../daemon/src/metrics/metrics.ts'
import { superviseHsm } from '../../../daemon/src/dev/supervisor.ts'
import { restore, type Restored } from '../../../daemon/src/recovery/restore.ts'
import { type Ran, run, type RunOptions } from '../../cli/support/cli.ts'

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
/** For a command that is refused before it makes a key. */
export const unwanted: AdminKeyDelivery = { delivered: undefined, deliver: () => Promise.reject(new Error('a key')) }
export const op = { signal: new AbortController().signal }

export const administrator: Call = {
  principal: {
    identity: 'tester',
    credential: 'test',
    method: 'api-key',
    spaces: '*',
    permissions,
    sourceIp: '127.0.0.1',
  },
  requestId: 'test',
  signal: op.signal,
}

/** One for all sites: to make it takes a slow machine seconds. */
let recipientPair: KeyPairKeyObjectResult | undefined

/**
 * A machine with a software token whose HSM hosts run, and an appliance that is not running: its data is worked on by an
 * engine in this process or by the program, never by both at once.
 */
export class Site implements AsyncDisposable {
  readonly dir: string
  readonly config: Config
  readonly adminKey: string
  /** The recipient's private key, with and without the passphrase in {@link passphraseFile}. */
  readonly recipientKeyFile: string
  readonly protectedKeyFile: string
  readonly passphraseFile: string
  /** The ids of all objects that engines here had the HSM make. */
  readonly objects: string[] = []
  readonly #recipient: Uint8Array
  readonly #hsm: AsyncDisposable

  private constructor(
    dir: string,
    parts: { config: Config; adminKey: string; recipient: Uint8Array; hsm: AsyncDisposable },
  ) {
    this.dir = dir
    this.config = parts.config
    this.adminKey = parts.adminKey
    this.recipientKeyFile = join(dir, 'recipient.key')
    this.protectedKeyFile = join(dir, 'recipient.enc.key')
    this.passphraseFile = join(dir, 'passphrase')
    this.#recipient = parts.recipient
    this.#hsm = parts.hsm
  }

  static async make(): Promise<Site> {
    const dir = await mkdtemp(join(tmpdir(), 'warder-site-'))
    await mkdir(join(dir, 'config'))
    const config = await prepare(dir, 0)
    const hsm = superviseHsm(layout(dir).config, silent)
    const { privateKey, publicKey } = (recipientPair ??= generateKeyPairSync('rsa', { modulusLength: 3072 }))
    const { adminKey = '' } = await initialiseAppliance(config, silent)
    const recipient = publicKey.export({ type: 'spki', format: 'der' })
    const site = new Site(dir, { config, adminKey, recipient, hsm })
    const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
    const passphrase = 'correct horse'
    await writeFile(site.recipientKeyFile, privateKey.export(pkcs8), { mode: 0o600 })
    await writeFile(site.protectedKeyFile, privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase }), {
      mode: 0o600,
    })
    await writeFile(site.passphraseFile, `${passphrase}\n`, { mode: 0o600 })
    return site
  }

  get dataDir(): string {
    return this.config.dataDir
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  get journal(): string {
    return join(this.dataDir, 'journal')
  }

  /** Lends an engine over the data, whose HSM names a recipient and has root keys to back up. */
  async engine<T>(
    use: (engine: Engine, hsm: KeyProvider) => Promise<T>,
    backup: Partial<RootKeyBackup> = {},
  ): Promise<T> {
    return withBackends(this.config, silent, async ({ store, openHsm }, closer) => {
      const real = await openHsm()
      const answer: RootKeyBackup = { recipient: this.#recipient, keys: fakeRootKeys, missing: [], ...backup }
      const hsm = withRootKeys(real, answer, this.objects)
      const engine = await createEngine(await portsOf(this.config, { store, hsm, log: silent }, op), op)
      try {
        return await use(engine, hsm)
      } finally {
        await engine[Symbol.asyncDispose]()
        await closer[Symbol.asyncDispose]()
      }
    })
  }

  /** The same, served: the environment that makes the program talk to it as the administrator. */
  async served<T>(
    use: (env: Readonly<Record<string, string>>, engine: Engine) => Promise<T>,
    backup?: Partial<RootKeyBackup>,
  ): Promise<T> {
    const at = layout(this.dir)
    const keyFile = this.path('admin.key')
    await writeFile(keyFile, this.adminKey, { mode: 0o600 })
    return this.engine(async engine => {
      const eventLoop = { p99Ms: () => 0, maxMs: () => 0, [Symbol.asyncDispose]: async () => undefined }
      const metrics = createMetrics()
      const handle = createApp({
        engine: () => engine,
        whyNot: () => '',
        log: silent,
        metrics,
        eventLoop,
        version: '0',
      })
      const [certificatePem, privateKeyPem] = [readFileSync(at.certificate, 'utf8'), readFileSync(at.key, 'utf8')]
      const listener = await listen({ host: '127.0.0.1', port: 0, certificatePem, privateKeyPem, handle })
      try {
        const url = `https://127.0.0.1:${listener.address.port}`
        return await use({ WARDER_ADDR: url, WARDER_CACERT: at.ca, WARDER_TOKEN_FILE: keyFile }, engine)
      } finally {
        await listener.close(0)
      }
    }, backup)
  }

  /** Runs the program `warder` on this machine. */
  warder(args: readonly string[], options?: RunOptions): Promise<Ran> {
    return run(this.dir, args, options)
  }

  /** The same for a command that takes the configuration, and must go well. */
  async ok(args: readonly string[], options?: RunOptions): Promise<Ran> {
    const ran = await this.warder([...args, '--config', layout(this.dir).config], options)
    expect(ran.code, `${args.join(' ')}: ${ran.stderr}`).to.equal(0)
    return ran
  }

  /** The same for one that must be refused; what it said. */
  async refused(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.warder([...args, '--config', layout(this.dir).config], options)
    expect({ code, stdout }, `${args.join(' ')}: ${stderr}`).to.deep.equal({ code: 1, stdout: '' })
    expect(stderr).to.not.match(/^ +at /m)
    return stderr
  }

  /** As `warder restore` does it, in this process. */
  async restore(file: string, later?: string): Promise<Restored> {
    const handle = await openBackupFile(file)
    try {
      const key = createPrivateKey(readFileSync(this.recipientKeyFile))
      const backup = await BackupFile.over(handle, key)
      return await restore(this.config, { backup, later, log: silent })
    } finally {
      await handle.close()
    }
  }

  /** The code and message it is refused with. */
  restoreRefused(file: string, later?: string): Promise<string> {
    return this.restore(file, later).then(
      () => 'restored',
      (error: { code: string; message: string }) => `[${error.code}] ${error.message}`,
    )
  }

  async #withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    return withBackends(this.config, silent, async ({ store }, closer) => {
      const result = await use(store)
      await closer[Symbol.asyncDispose]()
      return result
    })
  }

  async storedRecord(collection: string, id: string): Promise<StoredRecord> {
    const found = await this.#withStore(store => store.get(collection, id, op))
    if (found === undefined) throw new Error(`there is no ${collection}/${id}`)
    return found
  }

  /** Puts a record as it is, whatever was there, as who runs the storage can. */
  async putStored(record: StoredRecord): Promise<void> {
    const { collection, id, revision } = record
    await this.removeStored(collection, id)
    await this.#withStore(async store => {
      for (let at = 0; at < revision; at++) {
        await store.put({ ...record, revision: at + 1 }, at === 0 ? 'absent' : at, op)
      }
    })
  }

  async removeStored(collection: string, id: string): Promise<void> {
    await this.#withStore(async store => {
      const found = await store.get(collection, id, op)
      if (found !== undefined) await store.delete(collection, id, found.revision, op)
    })
  }

  get configFile(): string {
    return layout(this.dir).config
  }

  /** The machine's data is gone; its token is not. */
  async loseData(): Promise<void> {
    await rm(this.dataDir, { recursive: true, force: true })
    await mkdir(this.dataDir, { mode: 0o700 })
  }

  /** Keeps a copy of the data as it is, and answers how to go back to it. */
  async snapshot(): Promise<() => Promise<void>> {
    const kept = await mkdtemp(join(this.dir, 'kept-'))
    await cp(this.dataDir, kept, { recursive: true, preserveTimestamps: true })
    return async () => {
      await rm(this.dataDir, { recursive: true, force: true })
      await cp(kept, this.dataDir, { recursive: true })
      await chmod(this.dataDir, 0o700)
    }
  }

  /** Every file below the data directory, with what it holds. */
  async files(): Promise<Readonly<Record<string, string>>> {
    const names = (await readdir(this.dataDir, { recursive: true, withFileTypes: true })).filter(each => each.isFile())
    return Object.fromEntries(
      names.map(each => {
        const path = join(each.parentPath, each.name)
        return [path.slice(this.dataDir.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hsm[Symbol.asyncDispose]()
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Stands for what the HSM's side keeps: this machine never loses its token. */
const fakeRootKeys = ['kek', 'export-kek', 'import-kek'].map(purpose => ({
  purpose,
  number: 1,
  oaep: 'RSA-OAEP-256' as const,
  wrapped: new Uint8Array(424).fill(7),
}))

function withRootKeys(real: KeyProvider, answer: RootKeyBackup, objects: string[]): KeyProvider {
  return new Proxy(real, {
    get(target, name) {
      if (name === 'rootKeyBackup') return async () => answer
      if (name === 'generate') {
        return (...given: Parameters<KeyProvider['generate']>) => {
          objects.push(given[0].id)
          return target.generate(...given)
        }
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** A backup as the program would write it. */
export async function backUp(engine: Engine, file: string): Promise<void> {
  const parts: Uint8Array[] = []
  for await (const bytes of sealBackup(await engine.backups.create(administrator, '0.0.0'))) parts.push(bytes)
  await writeFile(file, Buffer.concat(parts), { mode: 0o600 })
}

/** Whether a key of this site signs, by its public half. */
export async function signs(engine: Engine, space: string, name: string): Promise<boolean> {
  const { signature } = await engine.crypto.sign(administrator, space, name, { input: Buffer.from('x') })
  const { spki } = await engine.keys.publicKey(administrator, space, name)
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  return verify('sha256', Buffer.from('x'), key, signature)
}
