import type { Command } from 'commander'
import { type Described, type DescribedOption, described, everyCommand } from './manual/described.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A script that completes the commands of a program, their options, and the values of those that have few. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = everyCommand(described(program))
  return { bash, zsh, fish }[shell](commands, program.name())
}

/** What was typed of a command's path, the program aside: '' or ' key create'. */
const at = ({ path }: Described): string =>
  path
    .slice(1)
    .map(word => ` ${word}`)
    .join('')

const withChoices = ({ options }: Described): DescribedOption[] => options.filter(({ choices }) => choices.length > 0)
const withPath = ({ options }: Described): DescribedOption[] =>
  options.filter(({ value }) => value === '<file>' || value === '<dir>')

const below = (commands: readonly Described[], separator: string): string =>
  commands
    .slice(1)
    .map(command => `'${at(command)}'`)
    .join(separator)

function bash(commands: readonly Described[], program: string): string {
  const values = commands.flatMap(command => [
    ...withChoices(command).map(({ long, choices }) => `    '${at(command)}:${long}') words='${choices.join(' ')}' ;;`),
    ...withPath(command).map(({ long }) => `    '${at(command)}:${long}') return ;;`),
  ])
  const words = commands.map(command => {
    const all = [
      ...command.commands.map(({ path }) => path.at(-1)),
      ...command.options.map(({ long }) => long),
      '--help',
    ]
    return `      '${at(command)}') words='${all.join(' ')}' ;;`
  })
  return `# bash completion for ${program}
_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${below(commands, ' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at:\${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join('\n')}
  esac
  if [[ -z $words ]]; then
    case $at in
${words.join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _${program} ${program}
`
}

function zsh(commands: readonly Described[], program: string): string {
  const values = commands.flatMap(command => [
    ...withChoices(command).map(
      ({ long, choices }) => `    ('${at(command)}:${long}') compadd -- ${choices.join(' ')}; return ;;`,
    ),
    ...withPath(command).map(({ long }) => `    ('${at(command)}:${long}') _files; return ;;`),
  ])
  const words = commands.map(command => {
    const found = [
      ...command.commands.map(each => pair(each.path.at(-1) ?? '', each.description)),
      ...command.options.map(each => pair(each.long, each.description)),
    ]
    return `    ('${at(command)}') found=(${found.join(' ')}) ;;`
  })
  return `#compdef ${program}
_${program}() {
  local at='' i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${below(commands, '|')}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at:\${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  case $at in
${words.join('\n')}
  esac
  _describe '${program}' found || _files
}
_${program} "$@"
`
}

const pair = (name: string, description: string): string => `'${name}:${quoted(description)}'`
const quoted = (text: string): string => text.replaceAll("'", `'\\''`)

function fish(commands: readonly Described[], program: string): string {
  const lines = commands.flatMap(command => {
    const here = `complete -c ${program} -n '__${program}_at "${at(command)}"'`
    return [
      ...command.commands.map(each => `${here} -f -a ${each.path.at(-1)} -d '${fishQuoted(each.description)}'`),
      ...command.options.map(option => {
        const value =
          option.choices.length > 0 ? ` -x -a '${option.choices.join(' ')}'` : option.value === undefined ? '' : ' -r'
        return `${here} -l ${option.long.slice(2)}${value} -d '${fishQuoted(option.description)}'`
      }),
    ]
  })
  return `# fish completion for ${program}
function __${program}_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$at $word" ${below(commands, ' ')}
            set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join('\n')}
`
}

const fishQuoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
