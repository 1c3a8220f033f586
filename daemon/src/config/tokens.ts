import { isDeepStrictEqual } from 'node:util'
import { operatorSecretsIn, type PluginReference, referencesIn, withoutSecrets } from './references.ts'

/** As many tokens as one appliance uses, and as many hosts for all of them together. */
export const mostTokens = 4
export const mostHosts = 16

type Table = Readonly<Record<string, unknown>>
type Path = readonly (string | number)[]

/** The part of the configuration that says which tokens there are. */
export interface TokensConfig {
  readonly config: Table
  readonly tokens?: readonly Table[]
  /** For each token. */
  readonly hosts: number
}

/** The plugin's configuration of each token, the main one first. */
export function tokenConfigs({
  config,
  tokens,
}: Pick<TokensConfig, 'config' | 'tokens'>): readonly [Table, ...Table[]] {
  const [first, ...others] = (tokens ?? []).map(each => ({ ...config, ...each }))
  return first === undefined ? [config] : [first, ...others]
}

/** Of all tokens together. */
export const hostCount = (hsm: TokensConfig): number => hsm.hosts * tokenConfigs(hsm).length

/** Which of so many tokens a host is for. */
export const tokenOfHost = (host: number, tokens: number): number => host % tokens

/** Where in the configuration something of a token is, of what {@link tokenConfigs} has at `index`. */
export function placeOf({ tokens }: Pick<TokensConfig, 'tokens'>, index: number, path: Path): Path {
  const [first] = path
  const own = first !== undefined && tokens?.[index] !== undefined && Object.hasOwn(tokens[index], first)
  return own ? ['hsm', 'tokens', index, ...path] : ['hsm', 'config', ...path]
}

/** The secrets that the plugin's configuration of any token refers to, each once, with its place in the whole configuration. */
export function secretsOf(hsm: Pick<TokensConfig, 'config' | 'tokens'>): readonly PluginReference[] {
  const found = tokenConfigs(hsm).flatMap((config, index) =>
    referencesIn(config).map(reference => ({ ...reference, path: placeOf(hsm, index, reference.path) })),
  )
  return found.filter(
    ({ kind, value }, index) => found.findIndex(each => each.kind === kind && each.value === value) === index,
  )
}

/** Where a secret of the operator is wanted, each place once, as in {@link secretsOf}. */
export function operatorPlacesOf(hsm: Pick<TokensConfig, 'config' | 'tokens'>): readonly Path[] {
  const found = tokenConfigs(hsm).flatMap((config, index) =>
    operatorSecretsIn(config).map(path => placeOf(hsm, index, path)),
  )
  return found.filter((path, index) => found.findIndex(each => each.join('.') === path.join('.')) === index)
}

export interface TokenFault {
  /** In the `hsm` table. */
  readonly path: Path
  readonly message: string
}

/** What is wrong with the tokens together, whatever the plugin makes of each. */
export function tokenFaults(hsm: TokensConfig): readonly TokenFault[] {
  const configs = tokenConfigs(hsm)
  const faults: TokenFault[] = []
  if (hostCount(hsm) > mostHosts) {
    const message = `${hsm.hosts} hosts for each of ${configs.length} tokens are more than ${mostHosts} together`
    faults.push({ path: ['hosts'], message })
  }
  configs.forEach((config, index) => {
    // two ways to one token differ at most in where the PIN is
    const same = configs.findIndex(each => isDeepStrictEqual(withoutSecrets(each), withoutSecrets(config)))
    if (same < index) faults.push({ path: ['tokens', index], message: `is the same token as hsm.tokens.${same}` })
  })
  const withOperator = configs.map(config => operatorSecretsIn(config).length > 0)
  const odd = withOperator.findIndex(each => each !== withOperator[0])
  if (odd > 0) {
    const message =
      'the PIN is with the operator for all tokens or for none: an operator gives one PIN, which is that of all'
    faults.push({ path: ['tokens', odd], message })
  }
  return faults
}
