import { resolve } from 'node:path'
import { initHsm } from '../init/hsm.ts'
import { readPin } from './pin.ts'

export interface HsmInitFlags {
  readonly config: string
  readonly newToken?: boolean
  readonly pinFile?: string
  readonly present?: readonly string[]
  readonly transcript?: string
}

export async function hsmInit({
  config,
  newToken = false,
  present = [],
  transcript,
  ...pin
}: HsmInitFlags): Promise<void> {
  await initHsm({
    file: resolve(config),
    newToken,
    present,
    transcript,
    say: line => process.stderr.write(`${line}\n`),
    askOperator: () => readPin(pin, { twice: newToken }),
  })
}
