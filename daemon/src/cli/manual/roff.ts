import { type Described, type DescribedOption, everyCommand, runnableCommands } from './described.ts'
import { sections } from './texts.ts'

export interface Page {
  readonly name: string
  readonly text: string
}

/** Manual pages (man(7)): one of the program, and one of each of its commands with all that is below it. */
export function manualPages(program: Described): readonly Page[] {
  return [programPage(program), ...program.commands.map(command => commandPage(command, program))]
}

function programPage(program: Described): Page {
  const commands = program.commands.flatMap(({ path, description }) => [
    '.TP',
    `.BR ${escape(path.join('-'))} (1)`,
    ...text(description),
  ])
  const variables = new Map<string, string>()
  for (const { options } of everyCommand(program))
    for (const { env, long } of options) if (env !== undefined) variables.set(env, long)
  const environment = [...variables].flatMap(([name, option]) => entry(name, `as the option ${option}`))
  return page(program, program.description, [
    '.SH SYNOPSIS',
    `.B ${escape(program.path.join(' '))}`,
    '.I command',
    '.RI [ options ]',
    '.SH COMMANDS',
    ...commands,
    '.SH OPTIONS',
    ...optionEntries(program.options),
    ...entry('--help', 'with any command: what it takes'),
    ...sections.flatMap(({ title, parts }) => [
      `.SH ${escape(title.toUpperCase())}`,
      ...parts.flatMap(part =>
        typeof part === 'string' ? ['.PP', ...text(part)] : part.flatMap(([term, meaning]) => entry(term, meaning)),
      ),
    ]),
    '.SH ENVIRONMENT',
    ...environment,
    ...entry('NO_COLOR', 'no colour, when it is not empty'),
    '.SH FILES',
    ...entry('~/.config/warder/cli.toml', 'settings of the user'),
  ])
}

function commandPage(command: Described, program: Described): Page {
  const leaves = runnableCommands(command)
  const shared = new Map(
    leaves.flatMap(leaf => leaf.options.filter(option => option.shared).map(each => [each.term, each])),
  )
  return page(command, command.description, [
    '.SH SYNOPSIS',
    ...leaves
      .flatMap(leaf => [
        `.B ${escape(leaf.path.join(' '))}`,
        ...text(['[options]', leaf.usage].join(' ').trim()),
        '.br',
      ])
      .slice(0, -1),
    '.SH DESCRIPTION',
    ...leaves.flatMap(leaf => [
      ...(leaf === command ? [] : [`.SS ${escape(leaf.path.join(' '))}`]),
      ...text(sentence(leaf.description)),
      ...leaf.arguments.flatMap(({ term, description }) => entry(term, description)),
      ...optionEntries(leaf.options.filter(option => !option.shared)),
      ...(leaf.notes.text === undefined ? [] : ['.PP', ...text(leaf.notes.text)]),
      ...leaf.notes.examples.flatMap(example => ['.PP', '.EX', `.RS 2`, ...text(example), '.RE', '.EE']),
    ]),
    ...(shared.size === 0
      ? []
      : [
          '.SH CONNECTION',
          ...text('These go with every command here that talks to an appliance.'),
          ...optionEntries([...shared.values()]),
        ]),
    '.SH SEE ALSO',
    `.BR ${escape(program.path.join('-'))} (1)`,
  ])
}

function page({ path }: Described, description: string, body: readonly string[]): Page {
  const name = path.join('-')
  const head = [
    `.TH ${escape(name.toUpperCase())} 1 "" Warder "Warder manual"`,
    '.SH NAME',
    `${escape(name)} \\- ${escape(description)}`,
  ]
  return { name: `${name}.1`, text: `${[...head, ...body].join('\n')}\n` }
}

const optionEntries = (options: readonly DescribedOption[]): string[] =>
  options.flatMap(({ term, description }) => entry(term, description))

const entry = (term: string, meaning: string): string[] => ['.TP', `.B ${escape(term)}`, ...text(meaning)]

const text = (prose: string): string[] => [escape(prose)]

const sentence = (prose: string): string => `${prose.slice(0, 1).toUpperCase()}${prose.slice(1)}.`

/** Hyphens that are to be typed, backslashes, and a line that would be a request. */
function escape(prose: string): string {
  return prose.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replace(/^\./, '\\&.')
}
