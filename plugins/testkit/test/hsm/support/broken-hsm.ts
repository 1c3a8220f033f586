import type { HsmPlugin, KeyProvider } from '@warder/contract'
import { referenceHsm, type ReferenceConfig } from './reference-hsm.ts'
import type { ReferenceToken } from './reference-token.ts'

/** Methods of a provider to replace, given the sound provider and its token. */
export type Defect = (sound: KeyProvider, token: ReferenceToken) => Partial<KeyProvider>

export interface BrokenHsm {
  /** What is wrong with it. */
  readonly fault: string
  /** The case that must fail. */
  readonly caught: string
  readonly plugin: HsmPlugin<ReferenceConfig>
  /** What its token lacks. */
  readonly without?: readonly string[]
}

export function broken(fault: string, caught: string, defect: Defect, without: readonly string[] = []): BrokenHsm {
  return {
    fault,
    caught,
    without,
    plugin: {
      ...referenceHsm,
      open: async (config, host, op) => {
        const sound = await referenceHsm.open(config, host, op)
        return replaced(sound, defect(sound, config.token))
      },
    },
  }
}

/** The sound provider with some methods replaced. */
function replaced(sound: KeyProvider, defect: Partial<KeyProvider>): KeyProvider {
  return new Proxy(sound, {
    get: (target, name) => {
      const method = Reflect.get(name in defect ? defect : target, name) as unknown
      return typeof method === 'function' ? (method.bind(target) as unknown) : method
    },
  })
}
