/** A directive of a unit with what it was set to, in order; an empty value has taken back those before (systemd.syntax(7)). */
export type Directives = ReadonlyMap<string, readonly string[]>

/** Reads unit files in the order in which systemd does: the unit, then its drop-ins. Keys are `Section.Directive`. */
export function directivesOf(texts: readonly string[]): Directives {
  const found = new Map<string, string[]>()
  for (const text of texts) {
    let section = ''
    for (const line of text
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .map(each => each.trim())) {
      const heading = /^\[(.+)\]$/.exec(line)?.[1]
      if (heading !== undefined) section = heading
      const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*)$/.exec(line) ?? []
      if (name === undefined || value === undefined) continue
      const key = `${section}.${name}`
      if (value === '') found.set(key, [''])
      else found.set(key, [...(found.get(key) ?? []).filter(each => each !== ''), value])
    }
  }
  return found
}

/** `Section.Directive: before -> after` for each that differs. */
export function differences(before: Directives, after: Directives): readonly string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort()
  return keys.flatMap(key => {
    const [from, to] = [before, after].map(each => (each.get(key) ?? ['not set']).join(' '))
    return from === to ? [] : [`${key}: ${from} -> ${to}`]
  })
}
