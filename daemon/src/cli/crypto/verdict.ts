import { exitCodes } from '../failure.ts'
import { type Format, note, printJson } from '../print.ts'

/** Says whether something is genuine, by its exit code too. */
export function printVerdict(
  format: Format,
  found: { readonly valid: boolean; readonly compromised?: true | undefined },
  by: string,
): void {
  if (format === 'json') printJson(found)
  else process.stdout.write(found.valid ? `VALID    ${by}\n` : 'INVALID\n')
  if (found.valid && found.compromised === true) note('this version is compromised: others may have made this')
  process.exitCode = found.valid ? exitCodes.ok : exitCodes.local
}
