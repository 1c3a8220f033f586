import { type Described, type DescribedOption, runnableCommands } from './described.ts'
import { fileFormat, sections } from './texts.ts'

/** The reference: docs/cli.md. */
export function reference(program: Described): string {
  const leaves = runnableCommands(program)
  const shared = new Map(
    leaves.flatMap(leaf => leaf.options.filter(option => option.shared).map(each => [each.term, each])),
  )
  const blocks = [
    '# Command line',
    escape(program.description),
    '<!-- Made by `warder man --markdown docs/cli.md`; a test compares it with the program. -->',
    leaves.map(({ path }) => `[${path.slice(1).join(' ')}](#${path.join('-')})`).join(' ·\n'),
    ...sections.flatMap(({ title, parts }) => [
      `## ${title}`,
      ...parts.map(part =>
        typeof part === 'string'
          ? escape(part).replaceAll(/"([^"]+)"/g, '`$1`')
          : part.map(([term, meaning]) => `- \`${term}\`: ${escape(meaning)}`).join('\n'),
      ),
    ]),
    '## Connection options',
    'Every command that talks to an appliance takes these; `--space` where it is about one.',
    optionList([...shared.values()]),
    ...leaves.flatMap(commandBlocks),
    '## The file format warder-file-v1',
    fileFormat.trimEnd(),
  ]
  return `${blocks.join('\n\n')}\n`
}

function commandBlocks({ path, usage, description, arguments: taken, options, notes }: Described): string[] {
  const own = options.filter(option => !option.shared)
  const terms = [
    ...taken.map(({ term, description: meaning }) => `- \`${term}\`: ${escape(meaning)}`),
    ...(own.length === 0 ? [] : [optionList(own)]),
  ]
  return [
    `## ${path.join(' ')}`,
    `${escape(description.slice(0, 1).toUpperCase() + description.slice(1))}.`,
    `\`\`\`text\n${[path.join(' '), '[options]', usage].join(' ').trim()}\n\`\`\``,
    ...(terms.length === 0 ? [] : [terms.join('\n')]),
    ...(notes.text === undefined ? [] : [escape(notes.text)]),
    ...(notes.examples.length === 0 ? [] : [`\`\`\`sh\n${notes.examples.join('\n')}\n\`\`\``]),
  ]
}

const optionList = (options: readonly DescribedOption[]): string =>
  options.map(({ term, description }) => `- \`${term}\`: ${escape(description)}`).join('\n')

/** What Markdown would take for its own, outside of code. */
function escape(prose: string): string {
  return prose
    .split(/(`[^`]*`)/)
    .map(part => (part.startsWith('`') ? part : part.replaceAll(/[*<]/g, String.raw`\$&`)))
    .join('')
}
