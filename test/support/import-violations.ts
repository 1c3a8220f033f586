import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { SourceFacts } from './imports.ts'
import type { Zone } from './import-rules.ts'

/** What a package.json says, as far as imports go. */
export interface Manifest {
  /** From the project's root; empty for the root itself. */
  readonly folder: string
  readonly name: string
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
}

const matches = (patterns: readonly string[], name: string): boolean =>
  patterns.some(pattern => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Every breach of the rules, as sentences that name the file, what it reached for and what is wrong with that. */
export function violations(
  sources: readonly SourceFacts[],
  zones: readonly Zone[],
  manifests: readonly Manifest[],
): string[] {
  const zoneOf = (file: string): Zone | undefined => zones.find(zone => zone.files.test(file))
  // The longest folder that holds the file; the root's, which is empty, holds them all.
  const ownerOf = (file: string): Manifest | undefined =>
    manifests
      .filter(({ folder }) => folder === '' || file.startsWith(`${folder}/`))
      .toSorted((a, b) => b.folder.length - a.folder.length)[0]
  const known = new Set(sources.map(({ file }) => file))
  const found: string[] = []
  const edges = new Map<string, string[]>()

  for (const { file, imports, computedImport, environment } of sources) {
    const zone = zoneOf(file)
    const owner = ownerOf(file)
    if (zone === undefined || owner === undefined) {
      found.push(`${file}: no rule covers it`)
      continue
    }
    const breach = (what: string): unknown => found.push(`${file} (${zone.name}): ${what}`)
    if (environment && !zone.environment) breach('reads process.env')
    if (computedImport && !zone.computedImport) breach('imports a computed name')

    for (const specifier of imports) {
      if (isBuiltin(specifier)) {
        if (!specifier.startsWith('node:')) breach(`imports ${specifier} without node:`)
        else if (!matches(zone.builtins, specifier)) breach(`imports ${specifier}, which this zone may not`)
        continue
      }

      const sibling = manifests.find(({ name }) => name === packageName(specifier))
      let target: string
      if (specifier.startsWith('.')) {
        target = posix.join(posix.dirname(file), specifier)
        if (!known.has(target)) {
          breach(`imports ${specifier}, which is not there`)
          continue
        }
        if (isSource(file) && ownerOf(target) !== owner) breach(`reaches into another package by path: ${specifier}`)
      } else {
        const name = packageName(specifier)
        const declared =
          isSource(file) && zone.fromSourceOnly !== true
            ? owner.dependencies
            : [
                ...owner.dependencies,
                ...owner.devDependencies,
                ...(manifests.find(m => m.folder === '')?.devDependencies ?? []),
              ]
        if (zone.never !== undefined && matches(zone.never, name)) breach(`imports ${name}, which this zone never may`)
        // Cross-package tests stand in the root, which declares no workspace; its own packages are there for them.
        const workspaceOfTest = sibling !== undefined && !isSource(file)
        if (name !== owner.name && !declared.includes(name) && !workspaceOfTest)
          breach(`imports ${name}, which ${owner.folder}/package.json does not declare`)
        if (sibling === undefined) continue
        target = `${sibling.folder}/src/index.ts`
      }

      edges.set(file, [...(edges.get(file) ?? []), target])
      const other = zoneOf(target)
      if (other?.name === zone.name && ownerOf(target) === owner) continue
      if (other?.name === zone.name) breach(`imports ${specifier}, another package of the same kind`)
      else if (other !== undefined && !matches(zone.mayImport, other.name))
        breach(`imports ${specifier} of ${other.name}`)
    }
  }
  return [...found, ...cycles(edges)]
}

/** Sources are what a package ships; all else (tests, scripts) may use development dependencies. */
const isSource = (file: string): boolean => /^(core|daemon|ui|plugins\/[^/]+)\/src\//.test(file)

/** One sentence for each ring of files that import each other, types included. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start !== -1) found.push(`cycle: ${[...path.slice(start), file].join(' -> ')}`)
    if (start !== -1 || done.has(file)) return
    path.push(file)
    for (const next of edges.get(file) ?? []) visit(next)
    path.pop()
    done.add(file)
  }
  for (const file of edges.keys()) visit(file)
  return found
}
