import { type CheckedConfig, configAreas } from '../../config/check.ts'
import type { Finding } from '../../config/finding.ts'
import { type DoctorFinding, note, notChecked, ok, problem, warning } from '../finding.ts'

const well: Readonly<Record<(typeof configAreas)[number], string>> = {
  configuration: 'loads; nobody else may write it',
  accounts: 'the users and groups that it names are there',
  plugins: 'can be imported, and take their configuration',
  files: 'the data and run directories are there, with the owners and modes they need',
  TLS: 'certificate and key belong together, and it is valid for two weeks and more',
  PIN: 'the secrets that the HSM plugin refers to are there, and private',
  'drop-ins': 'none are needed',
}

/** What `warder config check` finds, area by area; an area about which nothing is found is well. */
export function configurationFindings({ config, findings }: CheckedConfig, file: string): readonly DoctorFinding[] {
  const areas = config === undefined ? (['configuration'] as const) : configAreas
  return areas.flatMap(area =>
    findings[area].length === 0 ? [ok(area, well[area])] : findings[area].map(found => doctored(area, found, file)),
  )
}

function doctored(area: string, { severity, place, message, fix }: Finding, file: string): DoctorFinding {
  const found = `${place}: ${message}`
  if (severity === 'note') {
    return /^Only root|only its unit can read it/.test(message)
      ? notChecked(area, found, `sudo warder doctor --config ${file}`)
      : note(area, found, 'the units deny what it allows')
  }
  const remedy = { why: reasons[severity], fix: fix ?? `edit ${place}, then warder config check --config ${file}` }
  return severity === 'error' ? problem(area, found, remedy) : warning(area, found, remedy)
}

const reasons = {
  error: 'the appliance does not start so, or is not safe',
  warning: 'it will stop working so',
} as const
