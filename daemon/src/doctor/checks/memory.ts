import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readStatus } from '../../hsm/status.ts'
import { directivesOf } from '../../systemd/unit-text.ts'
import { installedUnit } from '../../systemd/units.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, notChecked, ok, problem, warning } from '../finding.ts'
import { limitsOf, openFilesOf, processesOf } from '../processes.ts'

export async function checkMemory({ machine, config, file }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const { proc, unitDirectories } = machine
  const swaps = await readFile(join(proc, 'swaps'), 'utf8').catch(() => undefined)
  const status = await readStatus(config.hsm.runDir)
  const hosts = (status?.hosts ?? []).flatMap(({ pid }) => (pid === null ? [] : [pid]))
  const found = await processesOf(proc, file, hosts)
  const findings = [judgeSwap(swaps)]
  if (found.length === 0) findings.push(notChecked('limits', 'no process of the appliance is to be seen'))
  for (const { pid, program } of found) {
    const unit = await installedUnit(`${program === 'warder' ? program : 'warder-hsm'}.service`, unitDirectories)
    const texts = unit === undefined ? [] : [unit.text, ...unit.dropIns.map(({ text }) => text)]
    const limits = await limitsOf(proc, pid)
    const name = `${program} (process ${pid})`
    if (limits === undefined) {
      findings.push(
        notChecked('limits', `${name} is gone, or not for this user to see`, `sudo warder doctor --config ${file}`),
      )
      continue
    }
    const openFiles = await openFilesOf(proc, pid)
    findings.push(...judgeLimits({ name, limits, openFiles, unit: directivesOf(texts) }))
  }
  return findings
}

/** What /proc/swaps says; `undefined` when it cannot be read. */
export function judgeSwap(text: string | undefined): DoctorFinding {
  const check = 'swap'
  if (text === undefined) return notChecked(check, 'the kernel does not tell')
  const areas = text
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(/\s+/)[0] ?? '')
  // compressed memory is memory
  const onDisk = areas.filter(area => area !== '' && !/^\/dev\/zram\d+$/.test(area))
  if (onDisk.length === 0) return ok(check, areas.length === 0 ? 'none' : `in memory only: ${areas.join(', ')}`)
  const why = 'the units keep their own memory out of it (MemorySwapMax=0); a shell that handles a PIN or key does not'
  return warning(check, `on: ${onDisk.join(', ')}`, {
    why,
    fix: 'swapoff -a, and take it out of /etc/fstab; or encrypt it',
  })
}

export interface LimitFacts {
  readonly name: string
  readonly limits: ReadonlyMap<string, number>
  /** `undefined`: not to be seen. */
  readonly openFiles: number | undefined
  /** What the unit that runs it says, drop-ins included; empty when there is none. */
  readonly unit: ReadonlyMap<string, readonly string[]>
}

/** Descriptors: connections, segments, sessions; below this it would run out on a busy day. */
const leastFiles = 1024

export function judgeLimits({ name, limits, openFiles, unit }: LimitFacts): readonly DoctorFinding[] {
  return [
    coreFinding(name, limits.get('Max core file size')),
    filesFinding(name, limits.get('Max open files'), openFiles),
    ...lockFindings(name, limits.get('Max locked memory'), unit),
  ]
}

function coreFinding(name: string, limit: number | undefined): DoctorFinding {
  const check = 'core dumps'
  if (limit === undefined) return notChecked(check, `${name}: the kernel does not tell`)
  if (limit === 0) return ok(check, `${name} leaves none`)
  const why = 'keys, and in the HSM hosts the PIN, are in its memory'
  const fix = 'run it by its unit, which says LimitCORE=0; in a shell: ulimit -c 0'
  return warning(check, `${name} may leave one of ${size(limit)}`, { why, fix })
}

function filesFinding(name: string, limit: number | undefined, open: number | undefined): DoctorFinding {
  const check = 'open files'
  if (limit === undefined) return notChecked(check, `${name}: the kernel does not tell`)
  const used = open === undefined ? '' : `, ${open} are open`
  const found = `${name} may have ${limit}${used}`
  const why = 'connections and segments of the journal each take one'
  const fix = 'set LimitNOFILE=65536 in a drop-in of its unit, systemctl daemon-reload, and restart it'
  if (open !== undefined && open > limit * 0.8) return problem(check, found, { why, fix })
  return limit < leastFiles ? warning(check, found, { why, fix }) : ok(check, found)
}

/** Only where a unit asks for it: what is locked in memory is not swapped. */
function lockFindings(name: string, limit: number | undefined, unit: LimitFacts['unit']): readonly DoctorFinding[] {
  const check = 'locked memory'
  const wanted = unit.get('Service.LimitMEMLOCK')?.at(-1)
  if (wanted === undefined || wanted === '') return []
  if (limit === undefined) return [notChecked(check, `${name}: the kernel does not tell`)]
  const bytes = bytesOf(wanted)
  if (bytes === undefined) return [notChecked(check, `LimitMEMLOCK=${wanted} is not understood here`)]
  if (limit >= bytes) return [ok(check, `${name} may lock ${size(limit)}`)]
  const found = `${name} may lock ${size(limit)}, and its unit says ${wanted}`
  return [warning(check, found, { why: 'it runs with older limits', fix: 'systemctl daemon-reload, then restart it' })]
}

/** As systemd.exec(5) writes sizes; of `soft:hard` the soft one. */
function bytesOf(text: string): number | undefined {
  const [soft = ''] = text.split(':')
  if (soft === 'infinity') return Infinity
  const [, digits, unit = ''] = /^(\d+)([KMGT]?)$/.exec(soft) ?? []
  return digits === undefined ? undefined : Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ')
}

const size = (bytes: number): string => (Number.isFinite(bytes) ? `${bytes} bytes` : 'any size')
