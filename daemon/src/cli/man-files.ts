import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { described } from './manual/described.ts'
import { reference } from './manual/markdown.ts'
import { manualPages } from './manual/roff.ts'

/** Writes the documents that are made of the command tree, over what is there. */
export async function writeManual(
  program: Command,
  { out, markdown }: { readonly out?: string; readonly markdown?: string },
): Promise<void> {
  const tree = described(program)
  if (out !== undefined) {
    await mkdir(out, { recursive: true })
    for (const { name, text } of manualPages(tree)) await writeFile(join(out, name), text)
  }
  if (markdown !== undefined) await writeFile(markdown, reference(tree))
}
