import type { Command } from 'commander'

/** What `--help`, the manual and the reference say beyond arguments and options. */
export interface Notes {
  readonly text?: string
  readonly examples: readonly string[]
}

const all = new WeakMap<Command, Notes>()

export const notesOf = (command: Command): Notes => all.get(command) ?? { examples: [] }

/** Shell lines that show how a command is used. */
export function examples(command: Command, ...lines: readonly string[]): void {
  all.set(command, { ...notesOf(command), examples: lines })
  command.addHelpText('after', `\nExamples:\n${lines.map(line => `  ${line}\n`).join('')}`)
}

/** A paragraph that is not in a description. */
export function remark(command: Command, text: string): void {
  all.set(command, { ...notesOf(command), text })
  command.addHelpText('after', () => `\n${command.createHelp().boxWrap(text, process.stdout.columns ?? 80)}`)
}
