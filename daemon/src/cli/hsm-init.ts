import { initHsm } from '../init/hsm.ts'
import { readPin } from './pin.ts'

export interface HsmInitFlags {
  readonly config: string
  readonly newToken?: boolean
  readonly pinFile?: string
}

export async function hsmInit({ config, newToken = false, ...pin }: HsmInitFlags): Promise<void> {
  await initHsm({
    file: config,
    newToken,
    say: line => process.stderr.write(`${line}\n`),
    askOperator: () => readPin(pin, { twice: newToken }),
  })
}
