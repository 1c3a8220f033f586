import { constants, createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  WarderError,
  usagesOf,
  type GeneratedKey,
  type KeySpec,
  type ResidentRef,
  type KeyProvider,
  type KeyRef,
  type Log,
  type Op,
  type PluginHost,
  type SignatureAlgorithm,
} from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { plugin } from '../src/plugin.ts'

export const op: Op = { signal: new AbortController().signal }

const quiet = (): void => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
export const host: PluginHost = { log, now: () => new Date() }

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'warder-pkcs11-'))
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true })
}

export function newId(): string {
  return randomBytes(16).toString('hex')
}

/** A key to be made: of another kind than a sealed P-256 key to sign with, as far as `change` says. */
export function specOf(change: Partial<KeySpec> = {}): KeySpec {
  const algorithm = change.algorithm ?? 'P-256'
  return { algorithm, usage: usagesOf[algorithm][0], custody: 'sealed', exportable: false, id: newId(), ...change }
}

/** Made with a public half, or it is no pair. */
export function spkiOf({ spki }: { readonly spki?: Uint8Array }): Uint8Array {
  if (spki === undefined) throw new Error('no key pair')
  return spki
}

export async function withProvider<T>(config: Config, fn: (provider: KeyProvider) => Promise<T>): Promise<T> {
  const provider = await plugin.open(config, host, op)
  try {
    return await fn(provider)
  } finally {
    await provider[Symbol.asyncDispose]()
  }
}

/** What the call was refused with. */
export async function refusal(call: Promise<unknown>): Promise<WarderError> {
  try {
    await call
  } catch (error) {
    if (WarderError.is(error)) return error
    throw error
  }
  throw new Error('the call was not refused')
}

export async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('the call did not throw')
}

export function hashName(algorithm: SignatureAlgorithm): string {
  return `sha${algorithm.slice(-3)}`
}

/** What `sign` takes for a message. */
export function inputFor(algorithm: SignatureAlgorithm, message: Uint8Array): Uint8Array {
  return algorithm === 'EdDSA' ? message : createHash(hashName(algorithm)).update(message).digest()
}

/** Checks a signature with node:crypto, which knows nothing of the token. */
export function isValid(
  spki: Uint8Array,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  if (algorithm === 'EdDSA') return verify(null, message, key, signature)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  return verify(
    hashName(algorithm),
    message,
    { key, dsaEncoding: 'ieee-p1363', ...(algorithm.startsWith('PS') ? pss : {}) },
    signature,
  )
}

export async function expectSigns(
  provider: KeyProvider,
  key: { readonly ref: KeyRef; readonly spki?: Uint8Array },
  algorithm: SignatureAlgorithm = 'ES256',
): Promise<void> {
  const message = randomBytes(40)
  // a signal of its own, as every call of a daemon has
  const { signal } = new AbortController()
  const signature = await provider.sign(key.ref, algorithm, inputFor(algorithm, message), { signal })
  expect(isValid(spkiOf(key), algorithm, message, signature)).to.equal(true)
}

export function sealedKey(provider: KeyProvider): Promise<GeneratedKey> {
  return provider.generate(specOf(), op)
}

export async function residentKey(
  provider: KeyProvider,
): Promise<{ readonly ref: ResidentRef; readonly spki: Uint8Array }> {
  const key = await provider.generate(specOf({ custody: 'resident' }), op)
  if (key.ref.custody !== 'resident') throw new Error('not resident')
  return { ref: key.ref, spki: spkiOf(key) }
}

// of Debian's opensc
const spy = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/pkcs11-spy.so`

/** The same token through OpenSC's spy, and a way to count the calls that reached it. */
export function spied(
  config: Config,
  directory: string,
): { readonly config: Config; calls(name: string): Promise<number> } {
  const output = join(directory, `spy.${newId()}.log`)
  return {
    config: {
      ...config,
      module: spy,
      environment: { ...config.environment, PKCS11SPY: config.module, PKCS11SPY_OUTPUT: output },
    },
    calls: async name => {
      const text = await readFile(output, 'utf8')
      return text.split('\n').filter(line => new RegExp(`^\\d+: ${name}$`).test(line.trim())).length
    },
  }
}
