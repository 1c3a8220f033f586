import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pkcs11js from 'pkcs11js'
import { type Load, loadInline } from '../load.ts'
import { answerParent } from '../worker.ts'
import { type Custody, inputOf, type Workload } from '../workloads.ts'

// One process of the loop that everything is held against: a session, a key, and the token's own calls one after another.
// What it may use of the machine is what an HSM host may use. `raw-token.ts HSM_JSON`; it makes keys of its own, on the
// token for what is resident and in the session for what is sealed, as a host has it that has unwrapped it.

interface TokenConfig {
  readonly module: string
  readonly token: { readonly label: string }
  readonly pin: { readonly file: string }
  readonly environment: Readonly<Record<string, string>>
}

const config = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as TokenConfig
Object.assign(process.env, config.environment)
const lib = new pkcs11js.PKCS11()
lib.load(config.module)
lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
const slot = lib.C_GetSlotList(true).find(each => lib.C_GetTokenInfo(each).label.trim() === config.token.label)
if (slot === undefined) throw new Error('the token is not there')
const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
lib.C_Login(session, pkcs11js.CKU_USER, (await readFile(config.pin.file, 'utf8')).trim())

const eddsa = { generate: 0x1055, sign: 0x1057, keyType: 0x40 }
const curves: Readonly<Record<string, string>> = {
  'P-256': '06082a8648ce3d030107',
  'P-384': '06052b81040022',
  Ed25519: '06032b6570',
}

/** The key that this or the other process of the loop has made, else a new one. */
function keyOf({ id, algorithm }: Workload, custody: Custody): pkcs11js.Handle {
  const label = { type: pkcs11js.CKA_LABEL, value: `bench/${id}` }
  const onToken = { type: pkcs11js.CKA_TOKEN, value: custody === 'resident' }
  const [curve, bits] = [curves[algorithm], /^RSA-(\d+)$/.exec(algorithm)?.[1]]
  if (custody === 'resident') {
    const found = curve === undefined && bits === undefined ? pkcs11js.CKO_SECRET_KEY : pkcs11js.CKO_PRIVATE_KEY
    lib.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_CLASS, value: found }, label, onToken])
    const [first] = lib.C_FindObjects(session, 1)
    lib.C_FindObjectsFinal(session)
    if (first !== undefined) return first
  }
  const flag = (type: number) => ({ type, value: true })
  const kept = [label, onToken, flag(pkcs11js.CKA_PRIVATE), flag(pkcs11js.CKA_SENSITIVE)]
  if (curve !== undefined || bits !== undefined) {
    const isEdwards = algorithm === 'Ed25519'
    const mechanism =
      bits !== undefined
        ? pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN
        : isEdwards
          ? eddsa.generate
          : pkcs11js.CKM_EC_KEY_PAIR_GEN
    const of =
      bits !== undefined
        ? [
            { type: pkcs11js.CKA_MODULUS_BITS, value: Number(bits) },
            { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
          ]
        : [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(curve ?? '', 'hex') }]
    const pair = lib.C_GenerateKeyPair(
      session,
      { mechanism },
      [label, { type: pkcs11js.CKA_TOKEN, value: false }, flag(pkcs11js.CKA_VERIFY), ...of],
      [...kept, flag(pkcs11js.CKA_SIGN)],
    )
    return pair.privateKey
  }
  const isAes = algorithm === 'AES-256'
  const mechanism = isAes ? pkcs11js.CKM_AES_KEY_GEN : pkcs11js.CKM_GENERIC_SECRET_KEY_GEN
  const usage = isAes ? pkcs11js.CKA_ENCRYPT : pkcs11js.CKA_SIGN
  return lib.C_GenerateKey(session, { mechanism }, [...kept, flag(usage), { type: pkcs11js.CKA_VALUE_LEN, value: 32 }])
}

const pss = {
  mechanism: pkcs11js.CKM_RSA_PKCS_PSS,
  parameter: {
    type: pkcs11js.CK_PARAMS_RSA_PSS,
    hashAlg: pkcs11js.CKM_SHA256,
    mgf: pkcs11js.CKG_MGF1_SHA256,
    saltLen: 32,
  },
}

function signing(algorithm: string): pkcs11js.Mechanism {
  if (algorithm.startsWith('RSA-')) return pss
  if (algorithm === 'Ed25519') return { mechanism: eddsa.sign }
  return { mechanism: algorithm.startsWith('HMAC-') ? pkcs11js.CKM_SHA256_HMAC : pkcs11js.CKM_ECDSA }
}

function operation(workload: Workload, key: pkcs11js.Handle): () => void {
  const input = Buffer.from(inputOf(workload))
  const out = Buffer.alloc(input.length + 512)
  if (workload.action !== 'encrypt') {
    const mechanism = signing(workload.algorithm)
    return () => {
      lib.C_SignInit(session, mechanism, key)
      lib.C_Sign(session, input, out)
    }
  }
  return () => {
    const iv = randomBytes(12)
    const aad = Buffer.alloc(0)
    const parameter = { type: pkcs11js.CK_PARAMS_AES_GCM_v240, iv, ivBits: 96, aad, tagBits: 128 }
    lib.C_EncryptInit(session, { mechanism: pkcs11js.CKM_AES_GCM, parameter }, key)
    lib.C_Encrypt(session, input, out)
  }
}

const prepared = new Map<string, () => void>()

export const rawToken = {
  prepare({ workload, custody }: { workload: Workload; custody: Custody }): void {
    const one = operation(workload, keyOf(workload, custody))
    one()
    prepared.set(`${workload.id} ${custody}`, one)
  },
  run({ workload, custody, ms }: { workload: Workload; custody: Custody; ms: number }): Load {
    const one = prepared.get(`${workload.id} ${custody}`)
    if (one === undefined) throw new Error('not prepared')
    return loadInline(ms, one)
  },
}

answerParent(rawToken)
