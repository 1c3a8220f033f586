import { digestLine, digestOf, title } from './transcript.ts'

/** What a transcript says that can be held against a journal and a token. */
export interface ReadTranscript {
  /** SHA-256 of its text, as it is now. */
  readonly digest: string
  /** What its last line says that this is. */
  readonly stated: string
  /** The main token first. */
  readonly tokens: readonly ReadToken[]
}

export interface ReadToken {
  readonly serial: string
  readonly keys: readonly { readonly label: string; readonly checkValue: string | null }[]
}

const ending = new RegExp(`^${digestLine}([0-9a-f]{64})$`)
const keyLine = /^Key (\S+)$/
const checkLine = /^ {2}check value +(none|[0-9a-f]{16})$/
const serialLine = /^ {2}serial +(.+)$/

/** `undefined` for what is no transcript. Whether the two digests agree is the caller's to look at. */
export function readTranscript(text: string): ReadTranscript | undefined {
  const at = text.lastIndexOf('\n', text.length - 2) + 1
  const stated = ending.exec(text.slice(at, -1))?.[1]
  if (stated === undefined || !text.endsWith('\n') || !text.startsWith(`${title}\n`)) return undefined
  const body = text.slice(0, at)
  const tokens: { serial: string; keys: { label: string; checkValue: string | null }[] }[] = []
  let label: string | undefined
  let heading = ''
  for (const line of body.split('\n')) {
    label = keyLine.exec(line)?.[1] ?? (line === '' ? undefined : label)
    if (/^\S/.test(line)) heading = line
    // a person may be called anything: what they are called is under another heading
    const serial = heading.startsWith('Token') ? serialLine.exec(line)?.[1] : undefined
    if (serial !== undefined) tokens.push({ serial, keys: [] })
    const checkValue = checkLine.exec(line)?.[1]
    if (label !== undefined && checkValue !== undefined) {
      tokens.at(-1)?.keys.push({ label, checkValue: checkValue === 'none' ? null : checkValue })
    }
  }
  return { digest: digestOf(body), stated, tokens }
}
