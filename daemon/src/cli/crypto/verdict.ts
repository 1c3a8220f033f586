import { exitCodes } from '../failure.ts'
import { type Format, note, printData } from '../print.ts'

interface Checked {
  readonly format: Format
  readonly key: string
  /** The version that was asked for. */
  readonly keyVersion?: number | undefined
}

/**
 * Says whether something is genuine, by its exit code too. A signature does not say which version made it: where the newest
 * was tried unasked and did not, and there are older ones, it says how to try those.
 */
export async function printVerdict(
  { format, key, keyVersion }: Checked,
  found: { readonly valid: boolean; readonly version: number; readonly compromised?: true | undefined },
  algorithm?: string,
): Promise<void> {
  const by = [...(algorithm === undefined ? [] : [algorithm]), `version ${found.version} of ${key}`].join(', ')
  if (format !== 'table') await printData(format, found)
  else process.stdout.write(found.valid ? `VALID    ${by}\n` : 'INVALID\n')
  if (found.valid && found.compromised === true) note('this version is compromised: others may have made this')
  if (!found.valid && keyVersion === undefined && found.version > 1) {
    note(`version ${found.version} was tried; for what an older one has made, name it with --key-version`)
  }
  process.exitCode = found.valid ? exitCodes.ok : exitCodes.local
}
