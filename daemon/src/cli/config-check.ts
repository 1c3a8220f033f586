import { WarderError } from '@warder/contract'
import { checkConfig } from '../config/check.ts'

/** Prints all findings. @throws WarderError `config-invalid` when one of them is an error. */
export async function configCheck({ config }: { config: string }): Promise<void> {
  const findings = await checkConfig(config)
  for (const { severity, place, message } of findings) process.stdout.write(`${severity}: ${place}: ${message}\n`)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0) {
    throw new WarderError('config-invalid', `${config}: ${errors} ${errors === 1 ? 'error' : 'errors'}.`)
  }
  process.stdout.write(`${config}: ok\n`)
}
