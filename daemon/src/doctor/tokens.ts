import { type HsmPlugin, type Op, type TokenRecord, WarderError } from '@warder/contract'
import { type DoctorFinding, notChecked, ok, problem, warning } from './finding.ts'

const check = 'tokens with the same root keys'

interface Tokens {
  readonly config: unknown
  readonly peers: readonly unknown[]
  readonly credentialsDir: string
}

/** Whether several tokens can stand in for each other: whether each has the root keys of all. */
export async function compareTokens(
  plugin: HsmPlugin,
  { config, peers, credentialsDir }: Tokens,
  op: Op,
): Promise<DoctorFinding> {
  if (plugin.ceremony === undefined) return notChecked(check, `the plugin ${plugin.name} tells of no root keys`)
  try {
    return judgeTokens(await plugin.ceremony(config, { credentialsDir }, op, peers))
  } catch (error) {
    if (!WarderError.is(error)) throw error
    if (error.code !== 'already-initialised') return notChecked(check, error.message)
    return problem(check, error.message, {
      why: 'a key that one token made does not open on the other',
      fix: 'take the token that was put there by mistake out of [[hsm.tokens]], then systemctl restart warder-hsm warder',
    })
  }
}

export function judgeTokens({ peers = [], ...main }: TokenRecord): DoctorFinding {
  const tokens = [main, ...peers].map(({ token, keys }) => ({
    serial: token.serial,
    labels: new Set(keys.map(({ label }) => label).filter(label => !label.includes('store'))),
  }))
  const all = [...new Set(tokens.flatMap(({ labels }) => [...labels]))]
  const lacking = tokens.flatMap(({ serial, labels }) => {
    const missing = all.filter(label => !labels.has(label))
    return missing.length === 0 ? [] : [`${serial} lacks ${missing.join(', ')}`]
  })
  if (lacking.length === 0) return ok(check, `${tokens.length} tokens have the same ${all.length} root keys`)
  return warning(check, `root keys differ: ${lacking.join('; ')}`, {
    why: 'keys that are sealed under one that a token lacks cannot be used on it',
    fix: 'warder root-key rotate',
  })
}
