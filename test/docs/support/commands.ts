/** What one command takes, as the reference or its help says. */
export interface Known {
  /** From the program's name on. */
  readonly path: string
  readonly options: ReadonlySet<string>
}

const longOptions = (text: string): string[] => [...text.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option)

/** The commands of docs/cli.md, which another test holds equal to the program's. */
export function commandsOf(reference: string): readonly Known[] {
  const shared = longOptions(/^## Connection options\n([^]*?)^## /m.exec(reference)?.[1] ?? '')
  return [...reference.matchAll(/^## (warder .*)\n([^]*?)(?=^## )/gm)].map(([, path = '', section = '']) => {
    const own = section.split('\n').filter(line => line.startsWith('- `--'))
    return {
      path,
      options: new Set(['--help', ...shared, ...own.flatMap(line => longOptions(line.split(':')[0] ?? ''))]),
    }
  })
}

/** The same of one page of `--help`. */
export function commandOfHelp(path: string, help: string): Known {
  return { path, options: new Set(longOptions(help.split('Options:')[1] ?? '')) }
}

/** The calls of this product's programs in a piece of shell, each with its words up to where another command begins. */
export function callsIn(shell: string): readonly string[] {
  const joined = shell.replaceAll(/\\\n\s*/g, ' ').replaceAll(/<<END\n[^]*?\nEND$/gm, '')
  return joined.split('\n').flatMap(line =>
    line
      .replace(/(?:^|\s)#.*$/, '')
      // what is quoted holds no command
      .replaceAll(/'[^']*'|"[^"]*"/g, 'quoted')
      .split(/[|;&()`]+|\$\(|[<>]+/)
      .map(part => part.trim().replace(/^(?:(?:until|while|if|!|sudo|exec|do|then|[A-Z_]+=\S*) +)+/, ''))
      .filter(part => /^warder(?:-hsm)? /.test(part)),
  )
}

/** What is wrong with a call; `undefined` when the program would take it. Nothing but the names of options is looked at. */
export function faultOf(call: string, known: readonly Known[]): string | undefined {
  const found = known
    .filter(({ path }) => `${call} `.startsWith(`${path} `))
    .toSorted((a, b) => b.path.length - a.path.length)[0]
  if (found === undefined) return `${call}: no such command`
  const unknown = call
    .split(/\s+/)
    .find(word => word.startsWith('-') && word !== '-' && !found.options.has(word.split('=')[0] ?? ''))
  return unknown === undefined ? undefined : `${call}: ${found.path} has no ${unknown}`
}
