import { exitCodes } from '../failure.ts'
import { type Format, note, printData } from '../print.ts'

/** Says whether something is genuine, by its exit code too. */
export async function printVerdict(
  format: Format,
  found: { readonly valid: boolean; readonly compromised?: true | undefined },
  by: string,
): Promise<void> {
  if (format !== 'table') await printData(format, found)
  else process.stdout.write(found.valid ? `VALID    ${by}\n` : 'INVALID\n')
  if (found.valid && found.compromised === true) note('this version is compromised: others may have made this')
  process.exitCode = found.valid ? exitCodes.ok : exitCodes.local
}
