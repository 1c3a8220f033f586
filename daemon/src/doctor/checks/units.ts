import { existsSync } from 'node:fs'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, note, notChecked, ok, problem, warning } from '../finding.ts'
import { differences, directivesOf } from '../../systemd/unit-text.ts'
import { type InstalledUnit, installedUnit, shippedUnits } from '../../systemd/units.ts'

const check = 'units'

export async function checkUnits({ machine, file }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const shipped = await shippedUnits().catch(() => undefined)
  if (shipped === undefined) return [notChecked(check, 'this installation comes without its units to compare with')]
  if (![...shipped.values()].some(text => text.includes(`--config ${file}`))) {
    return [notChecked(check, `the units serve another configuration than ${file}`)]
  }
  const booted = existsSync(machine.booted)
  const findings: DoctorFinding[] = []
  for (const [name, text] of shipped) {
    const installed = await installedUnit(name, machine.unitDirectories)
    findings.push(...judgeUnit(name, text, installed, booted))
    if (installed !== undefined) findings.push(judgeLoaded(name, await loadedState(machine.ask, name)))
  }
  return findings
}

/** What is installed of a unit against what this version comes with. */
export function judgeUnit(
  name: string,
  shipped: string,
  installed: InstalledUnit | undefined,
  booted: boolean,
): readonly DoctorFinding[] {
  if (installed === undefined) {
    if (!booted) return [notChecked(check, `${name} is not installed, and systemd does not run this machine`)]
    const why = 'nothing starts the appliance with the machine, or keeps it to its bounds'
    return [warning(check, `${name} is not installed`, { why, fix: 'apt install --reinstall warder' })]
  }
  const { path, text, dropIns } = installed
  const altered = differences(directivesOf([shipped]), directivesOf([text]))
  const [first] = altered
  const why = 'changes belong into a drop-in, where an upgrade does not pass over them'
  const own =
    first === undefined
      ? ok(check, `${path} is as it was shipped`)
      : warning(check, `${path} was altered: ${altered.join('; ')}`, { why, fix: `systemctl revert ${name}` })
  const changed = dropIns.map(dropIn => {
    const differs = differences(directivesOf([text]), directivesOf([text, dropIn.text]))
    return { path: dropIn.path, says: differs.join('; ') || 'nothing new' }
  })
  const weakened = weaknesses(directivesOf([text, ...dropIns.map(dropIn => dropIn.text)]), directivesOf([shipped]))
  return [
    own,
    ...changed.map(({ path: at, says }) => note(check, `${at}: ${says}`, 'a drop-in changes what the unit says')),
    ...weakened.map(each => {
      const because = 'secrets in memory could be written to a disk, or gained by more privileges'
      return problem(check, `${name}: ${each}`, { why: because, fix: `systemctl edit ${name}, and take that out` })
    }),
  ]
}

/** What no drop-in has a reason to change. */
const kept = [
  'Service.User',
  'Service.LimitCORE',
  'Service.MemorySwapMax',
  'Service.NoNewPrivileges',
  'Service.CapabilityBoundingSet',
  'Service.AmbientCapabilities',
] as const

function weaknesses(found: ReturnType<typeof directivesOf>, shipped: ReturnType<typeof directivesOf>): string[] {
  const only = (all: ReturnType<typeof directivesOf>) =>
    new Map(kept.flatMap(key => (all.has(key) ? [[key, [all.get(key)?.at(-1) ?? '']] as const] : [])))
  return [...differences(only(shipped), only(found))]
}

export interface LoadedState {
  readonly needsReload: boolean
  readonly active: string
}

async function loadedState(ask: DoctorContext['machine']['ask'], name: string): Promise<LoadedState | undefined> {
  const text = await ask('systemctl', ['show', '--property=NeedDaemonReload,ActiveState', name])
  const needsReload = /^NeedDaemonReload=(yes|no)$/m.exec(text ?? '')?.[1]
  const active = /^ActiveState=(\S+)$/m.exec(text ?? '')?.[1]
  return needsReload === undefined || active === undefined ? undefined : { needsReload: needsReload === 'yes', active }
}

/** What the running systemd knows of a unit; `undefined` when it cannot be asked. */
export function judgeLoaded(name: string, state: LoadedState | undefined): DoctorFinding {
  const loaded = 'units loaded'
  if (state === undefined) return notChecked(loaded, `systemctl does not tell of ${name}`)
  if (state.needsReload) {
    const why = 'systemd still goes by an older text of it'
    return warning(loaded, `${name} has changed`, { why, fix: `systemctl daemon-reload && systemctl restart ${name}` })
  }
  if (state.active === 'failed') {
    const why = 'it stays down until an operator looks'
    return problem(loaded, `${name} has failed`, {
      why,
      fix: `journalctl -u ${name} -n 50, then systemctl start ${name}`,
    })
  }
  return ok(loaded, `${name} is ${state.active}`)
}
