import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Directives, directivesOf } from '../systemd/unit-text.ts'
import { installedUnit } from '../systemd/units.ts'
import { error, type Finding } from './finding.ts'
import type { PluginReference } from './references.ts'

const hsmUnit = 'warder-hsm.service'

export interface UnitPlaces {
  /** The configuration's main file. */
  readonly file: string
  readonly credentialsDir: string
  readonly credstore: string
  /** Where units are looked for, first the one that goes before. */
  readonly unitDirectories: readonly string[]
}

/**
 * The credentials that the HSM plugin's configuration names and the HSM's unit does not load: whatever is in their files, the
 * hosts cannot read them. Nothing is said where no such unit is installed, or it serves another configuration.
 */
export async function unloadedCredentials(secrets: readonly PluginReference[], at: UnitPlaces): Promise<Finding[]> {
  const installed = await installedUnit(hsmUnit, at.unitDirectories)
  if (installed === undefined) return []
  const directives = directivesOf([installed.text, ...installed.dropIns.map(({ text }) => text)])
  const serves = directives
    .get('Service.ExecStart')
    ?.some(each => `${each} `.includes(` --config ${resolve(at.file)} `))
  if (serves !== true) return []
  return secrets
    .filter(({ kind, value }) => kind === 'credential' && !loads(directives, value))
    .map(({ path, value }) => {
      const what = `${path.join('.')} is the credential ${value}, which ${hsmUnit} does not load`
      const mend = `systemctl edit ${hsmUnit}, add ${directiveFor(value, at)} to its [Service], then restart it`
      return error(installed.path, `${what}: ${mend}.`, `systemctl edit ${hsmUnit}`)
    })
}

/** Whether the unit has a credential of this name (systemd.exec(5)). */
function loads(directives: Directives, name: string): boolean {
  const named = ['LoadCredential', 'LoadCredentialEncrypted', 'SetCredential', 'SetCredentialEncrypted']
  const values = named.flatMap(directive => directives.get(`Service.${directive}`) ?? [])
  if (values.some(value => value.split(':', 1)[0] === name)) return true
  const imported = directives.get('Service.ImportCredential') ?? []
  return imported.some(glob => (glob.endsWith('*') ? name.startsWith(glob.slice(0, -1)) : glob === name))
}

function directiveFor(name: string, { credentialsDir, credstore }: UnitPlaces): string {
  const [plain, encrypted] = [join(credentialsDir, name), join(credstore, `warder.${name}`)]
  return !existsSync(plain) && existsSync(encrypted)
    ? `LoadCredentialEncrypted=${name}:${encrypted}`
    : `LoadCredential=${name}:${plain}`
}
