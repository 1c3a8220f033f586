import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import { root } from './files.ts'

/** What one source file reaches for, as TypeScript's own parser sees it: types, re-exports and `import()` included. */
export interface SourceFacts {
  /** From the project's root. */
  readonly file: string
  /** Module specifiers as written, in order. */
  readonly imports: readonly string[]
  /** It calls `import(x)` where x is not a literal. */
  readonly computedImport: boolean
  /** It names `process.env`. */
  readonly environment: boolean
}

/** Reads sources with the TypeScript compiler; nothing is resolved or type-checked. `textOf` is for tests. */
export function readImports(
  files: readonly string[],
  textOf: (file: string) => string = file => readFileSync(join(root, file), 'utf8'),
): SourceFacts[] {
  const folder = '/sources'
  const config = `${folder}/tsconfig.json`
  const compilerOptions = {
    noResolve: true,
    noLib: true,
    types: [],
    module: 'nodenext',
    target: 'esnext',
    allowJs: true,
  }
  const content = new Map(files.map(file => [`${folder}/${file}`, textOf(file)]))
  content.set(config, JSON.stringify({ compilerOptions, files }))

  const api = new API({ fs: { readFile: path => content.get(path) ?? null, fileExists: path => content.has(path) } })
  try {
    const snapshot = api.updateSnapshot({ openProjects: [config] })
    const program = snapshot.getProject(config)?.program
    return files.map(file => {
      const source = program?.getSourceFile(`${folder}/${file}`)
      if (source === undefined) throw new Error(`TypeScript did not parse ${file}`)
      const imports = source.imports.map(node => (node as Node & { text: string }).text)
      return { file, imports, ...walk(source) }
    })
  } finally {
    api.close()
  }
}

function walk(source: Node): { computedImport: boolean; environment: boolean } {
  const found = { computedImport: false, environment: false }
  const visit = (node: Node): void => {
    if (node.kind === SyntaxKind.CallExpression) {
      const call = node as Node & { expression: Node; arguments: readonly Node[] }
      const literal = call.arguments[0]?.kind === SyntaxKind.StringLiteral
      if (call.expression.kind === SyntaxKind.ImportKeyword && !literal) found.computedImport = true
    }
    if (readsEnvironment(node)) found.environment = true
    node.forEachChild(visit)
  }
  visit(source)
  return found
}

/** `process.env`, `process['env']` and `const { env } = process`, of `globalThis.process` too. */
function readsEnvironment(node: Node): boolean {
  const text = node.getText().replaceAll(/[\s?]/g, '')
  if (node.kind === SyntaxKind.PropertyAccessExpression) return /^(globalThis\.)?process\.env$/.test(text)
  if (node.kind === SyntaxKind.ElementAccessExpression) return /^(globalThis\.)?process\.?\[/.test(text)
  if (node.kind === SyntaxKind.VariableDeclaration) return /^\{.*\}=(globalThis\.)?process$/.test(text)
  return false
}
