import { patientOp } from '@warder/testkit'
import { broken, type BrokenHsm } from './broken-hsm.ts'

const patient = patientOp()

/** Providers that lose their way when calls are many, or end early. */
export const brokenCalls: readonly BrokenHsm[] = [
  // calls
  broken(
    'does not look at its signal',
    'a call whose signal is already aborted rejects with cancelled and does nothing',
    sound => ({
      generate: spec => sound.generate(spec, patient),
    }),
  ),
  broken(
    'serves calls that were cancelled in the queue',
    'calls that wait for their turn end with their signal, and the token goes on',
    sound => ({
      sign: (ref, algorithm, input) => sound.sign(ref, algorithm, input, patient),
    }),
  ),
  broken(
    'takes the others with a call that is cancelled',
    'calls that wait for their turn end with their signal, and the token goes on',
    sound => {
      let shared: AbortSignal | undefined
      return {
        sign: (ref, algorithm, input, { signal }) => sound.sign(ref, algorithm, input, { signal: (shared ??= signal) }),
      }
    },
  ),
  broken('mixes up answers under load', '64 calls at once are each answered for what they asked', sound => {
    let last: Promise<Uint8Array> | undefined
    return {
      mac: (...args) => {
        const before = last
        last = sound.mac(...args)
        return before ?? last
      },
    }
  }),
  broken('spoils good calls with bad ones', 'bad calls among good ones spoil none of them', sound => {
    let failed = 0
    return {
      decrypt: async (ref, input, op) => {
        try {
          const plaintext = await sound.decrypt(ref, input, op)
          return failed > 4 ? plaintext.fill(0) : plaintext
        } catch (error) {
          failed++
          throw error
        }
      },
    }
  }),
]
