import { createInterface } from 'node:readline/promises'
import { CliError } from './failure.ts'

/** Whether a person can be asked: stdin and stderr are a terminal, and `--no-input` is not given. */
export function canAsk({ input }: { readonly input: boolean }): boolean {
  return input && process.stdin.isTTY && process.stderr.isTTY
}

/** One line from the person, shown as they type. The question goes to stderr. */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

const enter = new Set([0x0d, 0x0a, 0x04])
const interrupt = 0x03
const rubout = new Set([0x7f, 0x08])

/** One line from the person, not shown. Whoever takes it zeroes it. @throws CliError when they give up (Ctrl-C) */
export async function askSecret(question: string): Promise<Uint8Array> {
  const { stdin, stderr } = process
  stderr.write(question)
  const typed: number[] = []
  stdin.setRawMode(true)
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const byte of chunk as Buffer) {
        if (byte === interrupt) throw new CliError('Given up.')
        if (enter.has(byte)) return Uint8Array.from(typed)
        if (rubout.has(byte)) typed.pop()
        else typed.push(byte)
      }
    }
    throw new CliError('Given up.')
  } finally {
    typed.fill(0)
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/**
 * Asks for the name of what cannot be had back. Where nobody can be asked, `--yes` is needed.
 * @throws CliError unless the name is typed
 */
export async function confirm(
  what: string,
  name: string,
  flags: { readonly input: boolean; readonly yes?: boolean },
): Promise<void> {
  if (flags.yes === true) return
  if (!canAsk(flags)) throw new CliError(`${what} This needs to be confirmed.`, 'repeat the command with --yes')
  const typed = await ask(`${what}\nType the name of the key to go on: `)
  if (typed.trim() !== name) throw new CliError('That is not its name; nothing was done.')
}
