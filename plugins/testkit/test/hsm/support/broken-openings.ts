import type { TokenCapabilities } from '@warder/contract'
import { patientOp } from '@warder/testkit'
import { broken, type BrokenHsm } from './broken-hsm.ts'
import { referenceHsm, type ReferenceConfig } from './reference-hsm.ts'

const patient = patientOp()
const p256Signs = 'P-256 keys make every kind of signature they can, verified outside, and refuse the others'

/** Plugins that open badly, or claim what is not so. */
export const brokenOpenings: readonly BrokenHsm[] = [
  // the plugin
  {
    fault: 'takes unknown keys in its configuration',
    caught: 'the configuration schema takes what opens and refuses unknown keys',
    plugin: {
      ...referenceHsm,
      config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: value as ReferenceConfig }) } },
    },
  },
  {
    fault: 'opens although its caller has gone',
    caught: 'open with an aborted signal rejects and leaves the token free',
    plugin: { ...referenceHsm, open: (config, host) => referenceHsm.open(config, host, patient) },
  },
  {
    fault: 'claims a custody it does not have',
    caught: 'the custodies the plugin claims are those the token makes keys in',
    plugin: referenceHsm,
    without: ['sealed'],
  },
  {
    fault: 'has a custody it does not claim',
    caught: 'the custodies the plugin claims are those the token makes keys in',
    plugin: { ...referenceHsm, supports: { resident: false, sealed: true } },
  },
  {
    fault: 'claims to share root keys, and does not say which token it is',
    caught: 'token is there if and only if supports.shared says so',
    plugin: { ...referenceHsm, supports: { ...referenceHsm.supports, shared: true } },
  },
  {
    fault: 'leaves out the root key it has just made',
    caught: 'the token says which one it is, and its root keys with the newest last',
    plugin: {
      ...referenceHsm,
      supports: { ...referenceHsm.supports, shared: true },
      open: async (config, host, op) =>
        Object.assign(await referenceHsm.open(config, host, op), {
          token: async () => ({ serial: config.token.serial, rootKeys: [1] }),
        }),
    },
  },
  {
    fault: 'forgets resident keys when it is closed',
    caught: 'resident keys outlive the provider, whole and of every algorithm',
    plugin: {
      ...referenceHsm,
      open: ({ token, without = [] }, host, op) => {
        token.residents.clear()
        return referenceHsm.open({ token, without }, host, op)
      },
    },
  },
  {
    fault: 'seals under root keys of its own opening',
    caught: 'a key signs after the provider was opened again, resident or sealed',
    plugin: {
      ...referenceHsm,
      open: ({ token, without = [] }, host, op) => {
        token.roots.splice(0)
        token.addRoot()
        return referenceHsm.open({ token, without }, host, op)
      },
    },
  },
  broken(
    'throws from health once it is closed',
    'health is ok while the provider is open and never throws after',
    sound => ({
      health: op => sound.random(1, op).then(() => ({ ok: true, detail: '' })),
    }),
  ),
  broken('goes on after it was closed', 'a closed provider refuses every call with hsm-unavailable', () => ({
    random: async length => new Uint8Array(length),
  })),

  // capabilities
  claiming(
    'claims a signature it cannot make',
    'Ed25519 keys make every kind of signature they can, verified outside, and refuse the others',
    ['EdDSA'],
    claims => ({
      ...claims,
      sign: [...claims.sign, 'EdDSA'],
    }),
  ),
  claiming('hides a signature it can make', p256Signs, [], claims => ({
    ...claims,
    sign: claims.sign.filter(each => each !== 'ES256'),
  })),
  claiming(
    'claims keys it cannot make',
    'sealed P-384 keys are made for each usage, or refused',
    ['sealed P-384'],
    claims => ({
      ...claims,
      generate: { ...claims.generate, sealed: claims.generate.resident },
    }),
  ),
  claiming('hides keys it can make', 'resident P-521 keys are made for each usage, or refused', [], claims => ({
    ...claims,
    generate: { ...claims.generate, resident: claims.generate.resident.filter(each => each !== 'P-521') },
  })),
  claiming(
    'claims a hash of OAEP it does not have',
    'RSA-2048 keys open every OAEP the token claims, made outside, and refuse the others',
    ['RSA-OAEP-384'],
    claims => ({
      ...claims,
      encrypt: [...claims.encrypt, 'RSA-OAEP-384'],
    }),
  ),
  claiming(
    'names a mechanism in no known way',
    'the token says who it is, and what it can do in names the contract knows',
    [],
    claims => ({
      ...claims,
      mechanisms: ['AES-GCM'],
    }),
  ),
  claiming(
    'claims a usage no key can have',
    'what is claimed to be signed or opened has a key that can be made for it',
    ['HMAC-SHA-256', 'HMAC-SHA-384', 'HMAC-SHA-512'],
    claims => claims,
  ),
]

function claiming(
  fault: string,
  caught: string,
  without: readonly string[],
  lie: (claims: TokenCapabilities) => TokenCapabilities,
): BrokenHsm {
  return broken(fault, caught, sound => ({ capabilities: async op => lie(await sound.capabilities(op)) }), without)
}
