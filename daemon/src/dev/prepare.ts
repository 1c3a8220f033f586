import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WarderError } from '@warder/contract'
import { stringify } from 'smol-toml'
import { program } from '../cli/program.ts'
import { loadConfig } from '../config/load.ts'
import type { Config, ConfigFile } from '../config/schema.ts'
import { writeFileDurably } from '../durable-file.ts'
import { createInternalCa, issueServerCertificate } from '../tls/internal-ca.ts'

const hsmPlugin = '@warder/hsm-pkcs11'
const storagePlugin = '@warder/storage-sqlite'

/** Where things are in a development directory. */
export const layout = (dir: string) => ({
  config: join(dir, 'warder.toml'),
  token: join(dir, 'hsm'),
  run: join(dir, 'run'),
  data: join(dir, 'data'),
  tls: join(dir, 'tls'),
  ca: join(dir, 'tls', 'ca.pem'),
  certificate: join(dir, 'tls', 'server.pem'),
  key: join(dir, 'tls', 'server.key'),
  apiKey: join(dir, 'admin.key'),
})

/**
 * Makes what an appliance needs in `dir`: a software token, a certificate, a configuration. What is there is kept, so the
 * same directory can be started again; the port is taken from this call.
 */
export async function prepare(dir: string, port: number): Promise<Config> {
  const at = layout(dir)
  for (const each of [dir, at.run, at.data, at.tls]) await mkdir(each, { recursive: true, mode: 0o700 })
  const hsm = await createToken(at.token)
  if (!existsSync(at.key)) await createCertificate(at)
  const config: ConfigFile = {
    node: hostname().replaceAll(/[^A-Za-z0-9._-]/g, '-'),
    dataDir: at.data,
    listen: { host: '127.0.0.1', port },
    tls: { certificate: at.certificate, key: at.key },
    plugins: { allow: [storagePlugin, hsmPlugin] },
    storage: { plugin: storagePlugin, config: { file: join(at.data, 'store.sqlite') } },
    hsm: { plugin: hsmPlugin, config: hsm, runDir: at.run, hosts: 2, watchdogMs: 2000 },
  }
  await writeFileDurably(at.config, stringify(config))
  return loadConfig(at.config)
}

/** In a process of its own: the PIN is made there, and this process never loads a PKCS#11 module. */
async function createToken(dir: string): Promise<Record<string, unknown>> {
  const { command, args } = program('hsm', ['dev-token', '--plugin', hsmPlugin, '--dir', dir])
  try {
    await promisify(execFile)(command, args, { timeout: 60_000 })
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim()
    throw new WarderError('hsm-failed', `No development token could be made. ${said ?? ''}`, { cause })
  }
  return JSON.parse(await readFile(join(dir, 'hsm.json'), 'utf8')) as Record<string, unknown>
}

/** The authority signs this one certificate; its key is forgotten at once, so nobody can take it. */
async function createCertificate(at: ReturnType<typeof layout>): Promise<void> {
  const now = new Date()
  const ca = await createInternalCa({ name: `Warder development CA ${now.toISOString().slice(0, 10)}`, now })
  const { certificatePem, privateKeyPem } = await issueServerCertificate(ca, {
    hosts: ['localhost', '127.0.0.1', '::1'],
    now,
  })
  ca.privateKeyPkcs8.fill(0)
  await writeFileDurably(at.ca, ca.certificatePem)
  await writeFileDurably(at.certificate, certificatePem)
  await writeFileDurably(at.key, privateKeyPem)
}
