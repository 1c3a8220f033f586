import { createHash } from 'node:crypto'
import type { RootKeyRecord, TokenRecord } from '@warder/contract'

/** What a ceremony's transcript says. No secret is in it: check values, and where PINs are. */
export interface Ceremony {
  readonly at: Date
  readonly host: string
  readonly node: string
  readonly configuration: string
  readonly software: Software
  /** Who was there, as they said. */
  readonly present: readonly string[]
  /** A line each; none when everything was there before. */
  readonly done: readonly string[]
  /** A line for each PIN: whose, and where it is. */
  readonly pins: readonly string[]
  readonly record: TokenRecord
}

export interface Software {
  readonly version: string
  readonly node: string
  /** SHA-256 of the lock of the installed packages; `undefined` where none is installed. */
  readonly packageLock: string | undefined
}

export interface Transcript {
  /** ASCII and what people are called; every line ends with a line feed. */
  readonly text: string
  /** SHA-256 of all of it but its last line, which says it; as hexadecimal. */
  readonly digest: string
}

export const title = 'WARDER KEY CEREMONY TRANSCRIPT, FORMAT 1'
export const digestLine = 'SHA-256 of the text above this line: '

export function writeTranscript(ceremony: Ceremony): Transcript {
  const { at, host, node, configuration, software, present, done, pins, record } = ceremony
  const { keys, backupRecipient, peers = [] } = record
  const lines = [
    title,
    '',
    row('Date', at.toISOString()),
    row('Host', host),
    row('Node', node),
    row('Configuration', configuration),
    row('Software', `warder ${software.version}, Node.js ${software.node}`),
    row('Package lock', software.packageLock === undefined ? 'not installed' : `SHA-256 ${software.packageLock}`),
    '',
    'Present',
    ...(present.length === 0 ? ['  nobody was named'] : present.map(name => `  ${oneLine(name)}`)),
    '',
    'Done',
    ...(done.length === 0
      ? ['  nothing: what is listed below was there before']
      : done.map(each => `  ${oneLine(each)}`)),
    '',
    ...tokenLines(record, ''),
    'PINs (where they are, never what they are)',
    ...pins.map(each => `  ${oneLine(each)}`),
    '',
    'Backup recipient (SHA-256 of its public key)',
    `  ${backupRecipient ?? `none: the root keys below die with ${peers.length === 0 ? 'this token' : 'these tokens'}`}`,
    '',
    ...keys.flatMap(keyLines),
    ...peers.flatMap((peer, index) => [
      ...tokenLines(peer, ` ${index + 2} of ${peers.length + 1}, which shares the root keys`),
      ...peer.keys.flatMap(keyLines),
    ]),
    'Signatures, by hand, on paper. Whoever signs has seen what is above.',
    '',
    ...(present.length === 0 ? ['', ''] : present).flatMap(name => [
      `  ${oneLine(name).padEnd(30)} ______________________________   date ______________`,
      '',
    ]),
  ]
  const body = lines.map(line => `${line}\n`).join('')
  const digest = digestOf(body)
  return { text: `${body}${digestLine}${digest}\n`, digest }
}

export const digestOf = (body: string): string => createHash('sha256').update(body, 'utf8').digest('hex')

function tokenLines({ module, token }: TokenRecord, which: string): string[] {
  return [
    'Module',
    row('  path', module.path),
    row('  SHA-256', module.sha256),
    row('  says it is', module.library),
    '',
    `Token${which}`,
    row('  label', token.label),
    row('  serial', token.serial),
    row('  made by', token.manufacturer),
    row('  model', token.model),
    row('  firmware', token.firmware),
    '',
  ]
}

function keyLines({ label, id, algorithm, attributes, checkValue, checkedBy, wrappedTo }: RootKeyRecord): string[] {
  const said = (wanted: boolean | null): string =>
    Object.entries(attributes)
      .filter(([, value]) => value === wanted)
      .map(([name]) => name)
      .join(' ')
  return [
    `Key ${oneLine(label)}`,
    row('  id', id),
    row('  algorithm', algorithm),
    row('  check value', checkValue ?? 'none'),
    row('  which is', checkedBy),
    row('  true', said(true)),
    row('  false', said(false)),
    row('  not told', said(null)),
    row('  wrapped to', wrappedTo.join(' ')),
    '',
  ]
}

const row = (name: string, value: string): string => `${name.padEnd(16)} ${value === '' ? '-' : oneLine(value)}`

/** What comes from a token or a person never makes a line of its own. */
const oneLine = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
