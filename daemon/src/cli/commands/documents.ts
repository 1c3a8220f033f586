import type { Command } from 'commander'
import { examples } from '../manual/notes.ts'

export function addDocuments(warder: Command): void {
  const completion = warder
    .command('completion')
    .description('write a script that completes commands and options in a shell')
  const scripts = {
    bash: 'warder completion bash >/etc/bash_completion.d/warder',
    zsh: 'warder completion zsh >"${fpath[1]}/_warder"',
    fish: 'warder completion fish >~/.config/fish/completions/warder.fish',
  } as const
  for (const [shell, example] of Object.entries(scripts)) {
    const command = completion.command(shell).description(`for ${shell}`)
    command.action(async () => {
      const { completionScript } = await import('../completion.ts')
      process.stdout.write(completionScript(warder, shell as keyof typeof scripts))
    })
    examples(command, example)
  }
  warder
    .command('man', { hidden: true })
    .description('write the manual pages and the reference')
    .option('--out <dir>', 'put the manual pages here')
    .option('--markdown <file>', 'put the reference here')
    .action(async flags => (await import('../man-files.ts')).writeManual(warder, flags))
}
