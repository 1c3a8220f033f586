import { resolve } from 'node:path'
import { examineToken } from '../doctor/hsm.ts'
import { printFindings } from './doctor-report.ts'
import type { Format } from './format.ts'
import { readPin } from './pin.ts'

export interface HsmDoctorFlags {
  readonly config: string
  readonly format: Format
  readonly pinFile?: string
}

export async function hsmDoctor({ config, format, ...pin }: HsmDoctorFlags): Promise<void> {
  await printFindings(format, await examineToken(resolve(config), () => readPin(pin)))
}
