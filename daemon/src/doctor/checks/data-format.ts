import { dataFormat, readDataFormat } from '../../serve/data-format.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, note, ok, problem } from '../finding.ts'

const check = 'data format'

export async function checkDataFormat({ config: { dataDir } }: DoctorContext): Promise<readonly DoctorFinding[]> {
  return [judgeDataFormat(await readDataFormat(dataDir), dataDir)]
}

/** `format`: `undefined` where there is no mark, `damaged` where it cannot be understood. */
export function judgeDataFormat(format: number | 'damaged' | undefined, dataDir: string): DoctorFinding {
  if (format === undefined) {
    return note(check, `${dataDir} has no mark`, 'it is new, or of format 1; the next start marks it')
  }
  if (format === 'damaged') {
    const why = 'the appliance does not start on data whose version it does not know'
    return problem(check, `${dataDir}/format.json is damaged`, {
      why,
      fix: `restore ${dataDir}/format.json from a backup`,
    })
  }
  if (format <= dataFormat) return ok(check, `${format}; this version reads up to ${dataFormat}`)
  const why = 'a newer Warder has written it, and a downgrade is not possible'
  const found = `${format}, and this version reads up to ${dataFormat}`
  return problem(check, found, { why, fix: 'apt install warder' })
}
