import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../support/files.ts'

/** A fenced block of a page. */
export interface Block {
  /** What stands after the fence; empty when nothing does. */
  readonly language: string
  readonly text: string
  /** Of the fence, from 1. */
  readonly line: number
  /** Of the nearest heading above it, without the marks. */
  readonly heading: string
  /** What an HTML comment just above it says, for a test. */
  readonly remark: string | undefined
  /** The `text` block just below it, when it is commands: what they print. */
  readonly output: string | undefined
}

export const readPage = (page: string): Promise<string> => readFile(join(root, page), 'utf8')

/** The fenced blocks of a page, in order. */
export function blocksOf(markdown: string): readonly Block[] {
  const lines = markdown.split('\n')
  const blocks: (Omit<Block, 'output'> & { readonly end: number })[] = []
  let heading = ''
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    const [, language] = /^```(\S*)/.exec(line) ?? []
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`line ${at + 1}: the block does not end`)
    const above = lines.slice(0, at).findLast(each => each !== '')
    const remark = /^<!-- (.*) -->$/.exec(above ?? '')?.[1]
    blocks.push({ language, text: lines.slice(at + 1, end).join('\n'), line: at + 1, heading, remark, end })
    at = end
  }
  return blocks.map(({ end, ...block }, index) => {
    const next = blocks[index + 1]
    const follows =
      block.language === 'sh' &&
      next?.language === 'text' &&
      lines.slice(end + 1, next.line - 1).every(line => line === '')
    return { ...block, output: follows ? next.text : undefined }
  })
}
