import type { Argument, Command, Option } from 'commander'
import { type Notes, notesOf } from './notes.ts'

export interface DescribedOption {
  readonly long: string
  /** As in `--out <file>`. */
  readonly term: string
  /** With choices, default and environment variable. */
  readonly description: string
  /** What stands for its value, such as `<file>`; `undefined` for a flag. */
  readonly value: string | undefined
  readonly choices: readonly string[]
  readonly env: string | undefined
  /** One of those that all commands of a kind have. */
  readonly shared: boolean
}

/** A command as the manual, the reference and the completion scripts see it. */
export interface Described {
  /** From the program's name on. */
  readonly path: readonly string[]
  readonly description: string
  /** As in `<key> [name=value...]`. */
  readonly usage: string
  readonly arguments: readonly { readonly term: string; readonly description: string }[]
  readonly options: readonly DescribedOption[]
  readonly notes: Notes
  /** Without those that are hidden. */
  readonly commands: readonly Described[]
}

export function described(command: Command, above: readonly string[] = []): Described {
  const help = command.createHelp()
  const path = [...above, command.name()]
  return {
    path,
    description: command.description(),
    usage: command.registeredArguments.map(usageOf).join(' '),
    arguments: command.registeredArguments.map(argument => ({
      term: help.argumentTerm(argument),
      description: help.argumentDescription(argument),
    })),
    options: help
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map(option => ({
        long: option.long ?? option.flags,
        term: help.optionTerm(option),
        description: help.optionDescription(option),
        value: /[<[][^\]>]+[\]>]/.exec(option.flags)?.[0],
        choices: option.argChoices ?? [],
        env: option.envVar,
        shared: isShared(option),
      })),
    notes: notesOf(command),
    commands: help
      .visibleCommands(command)
      .filter(each => each.name() !== 'help')
      .map(each => described(each, path)),
  }
}

/** All commands below one, itself first. */
export function everyCommand(of: Described): readonly Described[] {
  return [of, ...of.commands.flatMap(everyCommand)]
}

/** Those that do something by themselves: also one with commands below it, when it has options of its own. */
export function runnableCommands(of: Described): readonly Described[] {
  return everyCommand(of).filter(
    ({ path, commands, options }) => commands.length === 0 || (path.length > 1 && options.length > 0),
  )
}

function usageOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

const isShared = (option: Option): boolean => option.helpGroupHeading === sharedHeading

/** The heading of the options that all commands which talk to an appliance have. */
export const sharedHeading = 'Connection:'
