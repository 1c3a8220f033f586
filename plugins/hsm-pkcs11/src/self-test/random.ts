import pkcs11js from 'pkcs11js'
import type { SelfTestFinding } from '@warder/contract'
import type { Cryptoki, Handle } from '../cryptoki.ts'
import { notChecked, ok, problem } from './findings.ts'
import { randomFault } from './random-health.ts'

const check = 'random generator'
const sampleBytes = 65_536
const callBytes = 4096

/** Takes a sample from the token's generator. `flags`: CKF_ of CK_TOKEN_INFO. */
export function randomFinding(lib: Cryptoki, flags: number, session: Handle): SelfTestFinding {
  if ((flags & pkcs11js.CKF_RNG) === 0) return notChecked(check, 'the token says that it has none')
  const sample = Buffer.alloc(sampleBytes)
  for (let at = 0; at < sampleBytes; at += callBytes) {
    sample.set(lib.C_GenerateRandom(session, Buffer.alloc(callBytes)), at)
  }
  return judgeSample(sample)
}

export function judgeSample(sample: Uint8Array): SelfTestFinding {
  const fault = randomFault(sample)
  // the tests find a generator that is stuck, not one that is clever and bad
  if (fault === undefined)
    return ok(check, `${sample.length} bytes pass the health tests of NIST SP 800-90B section 4.4`)
  return problem(check, fault, {
    why: 'keys, IVs and PINs made from it can be guessed',
    fix: 'systemctl stop warder warder-hsm, make no keys, and ask the maker of the token',
  })
}
