import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyProvider } from '@warder/contract'
import pkcs11js from 'pkcs11js'
import { ConfigSchema, type Config } from '../src/config.ts'
import { asBoolean, findObjects, readAttributes } from '../src/objects.ts'
import { writePinFile } from '../src/pin-file.ts'
import { plugin } from '../src/plugin.ts'
import { withRawToken } from './raw-token.ts'
import { host, op } from './support.ts'

export interface Tokens {
  /** As many as were asked for, in one SoftHSM store; nothing has been initialised. */
  readonly configs: readonly [Config, Config, ...Config[]]
  readonly files: { readonly credentialsDir: string; readonly soPinFile: string }
}

/** Configurations of tokens labelled `one`, `two` and so on. */
export async function newTokens(directory: string, labels: readonly string[] = ['one', 'two']): Promise<Tokens> {
  const tokens = join(directory, 'tokens')
  await mkdir(tokens, { recursive: true })
  const conf = join(directory, 'softhsm2.conf')
  await writeFile(conf, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  const soPinFile = join(directory, 'so-pin')
  for (const name of ['so-pin', ...labels.map(label => `pin-${label}`)]) await writePinFile(join(directory, name))
  const configs = labels.map(label =>
    ConfigSchema.parse({
      module: '/usr/lib/softhsm/libsofthsm2.so',
      token: { label },
      pin: { file: join(directory, `pin-${label}`) },
      stateDir: join(directory, 'state'),
      environment: { SOFTHSM2_CONF: conf },
    }),
  )
  return { configs: configs as unknown as Tokens['configs'], files: { credentialsDir: directory, soPinFile } }
}

/** The same, prepared in one ceremony. */
export async function sharedTokens(directory: string, labels?: readonly string[]): Promise<Tokens> {
  const tokens = await newTokens(directory, labels)
  await provisionAll(tokens)
  return tokens
}

export function provisionAll({ configs: [first, ...peers], files }: Tokens): Promise<readonly string[]> {
  if (plugin.provision === undefined) throw new Error('the plugin does not provision')
  return plugin.provision(first, files, op, peers)
}

/** Opens the token of this index as a host does: with the others as its peers. */
export function openOne(configs: readonly Config[], index: number): Promise<KeyProvider> {
  const [config] = configs.slice(index)
  if (config === undefined) throw new Error('there is no such token')
  return plugin.open(
    config,
    host,
    op,
    configs.filter(each => each !== config),
  )
}

export async function withOne<T>(
  configs: readonly Config[],
  index: number,
  fn: (provider: KeyProvider) => Promise<T>,
): Promise<T> {
  const provider = await openOne(configs, index)
  try {
    return await fn(provider)
  } finally {
    await provider[Symbol.asyncDispose]()
  }
}

/** The labels of all objects that stay on the token, sorted. */
export function labelsOn(config: Config): Promise<readonly string[]> {
  return withRawToken(config, (lib, session) =>
    tokenObjects(lib, session)
      .map(object => readAttributes(lib, session, object, [pkcs11js.CKA_LABEL])[0].toString('utf8'))
      .toSorted(),
  )
}

/** The labels of the keys that stay on the token and could be taken out of it, or ever could. */
export function extractableOn(config: Config): Promise<readonly string[]> {
  return withRawToken(config, (lib, session) =>
    tokenObjects(lib, session).flatMap(object => {
      const [label, kind] = readAttributes(lib, session, object, [pkcs11js.CKA_LABEL, pkcs11js.CKA_CLASS])
      if (kind.readUInt32LE(0) !== pkcs11js.CKO_SECRET_KEY) return []
      const [extractable, sensitive] = readAttributes(lib, session, object, [
        pkcs11js.CKA_EXTRACTABLE,
        pkcs11js.CKA_SENSITIVE,
      ])
      return asBoolean(extractable) || !asBoolean(sensitive) ? [label.toString('utf8')] : []
    }),
  )
}

export function destroyOn(config: Config, label: string): Promise<void> {
  return withRawToken(config, (lib, session) => {
    for (const object of findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value: label }])) {
      lib.C_DestroyObject(session, object)
    }
  })
}

function tokenObjects(...[lib, session]: Parameters<Parameters<typeof withRawToken>[1]>) {
  return findObjects(lib, session, [{ type: pkcs11js.CKA_TOKEN, value: true }])
}
