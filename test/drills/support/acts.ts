/**
 * Glossary
 * - *act*: one thing a caller asked for and was told is done. A lost act is one that is not there after a kill.
 * - *begun*: asked for, and not answered yet. After a kill it is done or not, and nothing in between.
 * - *round*: from one start of the process under test to its kill.
 */
export type Act =
  | { readonly act: 'begun'; readonly space: string; readonly name?: string }
  | { readonly act: 'space'; readonly name: string }
  | {
      readonly act: 'key'
      readonly space: string
      readonly name: string
      readonly id: string
      readonly generation: number
    }
  | { readonly act: 'sign'; readonly request: string }
  /** `kept`: nobody will revoke it, so it must stay accepted. */
  | { readonly act: 'api-key'; readonly id: string; readonly secret: string; readonly kept: boolean }
  | { readonly act: 'revoke'; readonly id: string; readonly secret: string; readonly at: string }

/** What must be true from now on, folded from acts in the order they were acknowledged. */
export class Acknowledged {
  /** Spaces, and keys by `space/name`, that somebody began to make; those that were acknowledged too. */
  readonly begun = new Map<string, { readonly space: string; readonly name?: string }>()
  readonly spaces = new Set<string>()
  /** By `space/name`. */
  readonly keys = new Map<string, Extract<Act, { act: 'key' }>>()
  readonly signs = new Set<string>()
  /** By id. One that is neither kept nor revoked may be either: its revocation may have been under way at the kill. */
  readonly apiKeys = new Map<string, { readonly secret: string; readonly kept: boolean; readonly revokedAt?: string }>()
  /** What was acknowledged and never may have been, such as one name for two keys. */
  readonly contradictions: string[] = []

  add(act: Act): void {
    if (act.act === 'begun') {
      const { space, name } = act
      this.begun.set(name === undefined ? space : `${space}/${name}`, act)
    } else if (act.act === 'space') {
      if (this.spaces.has(act.name)) this.contradictions.push(`space ${act.name} was made twice`)
      this.spaces.add(act.name)
    } else if (act.act === 'key') {
      const name = `${act.space}/${act.name}`
      if (this.keys.has(name)) this.contradictions.push(`key ${name} was made twice`)
      this.keys.set(name, act)
    } else if (act.act === 'sign') {
      this.signs.add(act.request)
    } else {
      const { id, secret } = act
      this.apiKeys.set(
        id,
        act.act === 'revoke' ? { secret, kept: false, revokedAt: act.at } : { secret, kept: act.kept },
      )
    }
  }

  addAll(acts: readonly Act[]): void {
    for (const act of acts) this.add(act)
  }
}

/** How many of them were acknowledged. */
export function countAcknowledged(acts: readonly Act[]): number {
  return acts.filter(({ act }) => act !== 'begun').length
}
