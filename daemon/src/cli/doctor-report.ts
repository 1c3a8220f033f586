import { styleText } from 'node:util'
import type { DoctorFinding } from '../doctor/finding.ts'
import { terminal } from './columns.ts'
import { exitCodes } from './failure.ts'
import type { Format } from './format.ts'
import { printData } from './print.ts'

type Status = DoctorFinding['status']

const said: Readonly<Record<Status, string>> = {
  ok: 'ok',
  note: 'note',
  warning: 'warning',
  problem: 'PROBLEM',
  'not-checked': 'not checked',
}

const colours = { ok: 'green', note: 'cyan', warning: 'yellow', problem: 'red', 'not-checked': 'dim' } as const

/** Prints what was found. The exit code is 1 when something is a problem, else 0: what was not checked is no problem yet. */
export async function printFindings(format: Format, findings: readonly DoctorFinding[]): Promise<void> {
  const count = (status: Status): number => findings.filter(finding => finding.status === status).length
  const counts = { problems: count('problem'), warnings: count('warning'), notChecked: count('not-checked') }
  process.exitCode = counts.problems > 0 ? exitCodes.local : exitCodes.ok
  if (format !== 'table') return printData(format, { ...counts, findings })
  const { colour } = terminal()
  process.stdout.write(findings.map(finding => lines(finding, colour)).join(''))
  process.stdout.write(`\n${summary(counts)}\n`)
}

const statusWidth = Math.max(...Object.values(said).map(({ length }) => length))
const indent = ' '.repeat(statusWidth + 2)

function lines({ check, status, found, why, fix }: DoctorFinding, colour: boolean): string {
  const padded = said[status].padEnd(statusWidth)
  const mark = colour ? styleText(colours[status], padded, { validateStream: false }) : padded
  const more = [
    ...(why === undefined ? [] : [`${indent}why: ${plain(why)}`]),
    ...(fix === undefined ? [] : [`${indent}fix: ${plain(fix)}`]),
  ]
  return [`${mark}  ${plain(check)}: ${plain(found)}`, ...more, ''].join('\n')
}

function summary({ problems, warnings, notChecked }: Readonly<Record<'problems' | 'warnings' | 'notChecked', number>>) {
  const some = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
  return `${some(problems, 'problem')}, ${some(warnings, 'warning')}, ${notChecked} not checked`
}

/** What others wrote never steers the terminal. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ')
