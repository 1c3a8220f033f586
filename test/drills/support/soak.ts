import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type JournalRecord, readJournal } from '@warder/core'
import { readJournalDirectory } from '../../../daemon/src/journal/journal-directory.ts'
import type { Appliance } from '../../support/appliance.ts'
import { until } from '../../support/until.ts'

const keys = '/v1/spaces/default/keys'
const custodies = ['sealed', 'resident'] as const
const lanes = 16
/** As a client does that was told Retry-After, if a hasty one. */
const hasteMs = 50
/** Each of so many kills takes all hosts that are ready, not one. */
const allOf = 3

export interface SoakOptions {
  /** Signatures to be answered. */
  readonly operations: number
  /** Between one kill and the next. Milliseconds. */
  readonly killEveryMs: number
  /** No kills after so many; requests go on until they are done. Default: no end of them, and none is waited for. */
  readonly kills?: number
}

export interface Soaked {
  readonly requests: number
  readonly seconds: number
  readonly kills: number
  /** Kills that left no host. */
  readonly outages: number
  /** Signatures that node:crypto found right, and wrong. */
  readonly right: number
  readonly wrong: number
  /** Of the refusals. */
  readonly codes: Readonly<Record<string, number>>
  /** Requests that stand in the journal more than once, or otherwise than they were answered. */
  readonly duplicated: number
  readonly disagreeing: number
  /** After each kill that left no host: from "HSM host is ready" to the next signature. Milliseconds, in order. */
  readonly back: readonly number[]
}

interface Answer {
  readonly request: string
  /** `ok`, or the code of a problem. */
  readonly result: string
}

/** Signs over HTTPS with a sealed and a resident key, in sixteen lanes, while HSM hosts are killed again and again. */
export async function soak(appliance: Appliance, options: SoakOptions): Promise<Soaked> {
  const publicKeys = await makeKeys(appliance)
  const answers: Answer[] = []
  const goodAt: number[] = []
  const outages: number[] = []
  let [right, wrong, kills] = [0, 0, 0]
  const enough = (): boolean => right + wrong >= options.operations && kills >= (options.kills ?? 0)

  const lane = async (index: number): Promise<void> => {
    const name = custodies[index % 2 === 0 ? 0 : 1]
    while (!enough()) {
      const message = randomBytes(48)
      const { request, result, signature } = await sign(appliance, name, message)
      answers.push({ request, result })
      if (signature === undefined) await delay(hasteMs)
      else if (verify('sha256', message, publicKeys[name], signature)) {
        right++
        goodAt.push(Date.now())
      } else wrong++
    }
  }
  const killer = async (): Promise<void> => {
    while (!enough() && kills < (options.kills ?? Infinity)) {
      // the interval is what the soak is asked for; nothing is waited for
      await delay(options.killEveryMs)
      const ready = readyHosts(appliance)
      if (ready.length === 0) continue
      const struck = kills++ % allOf === allOf - 1 ? ready : ready.slice(0, 1)
      for (const pid of struck) process.kill(pid, 'SIGKILL')
      if (struck.length === ready.length) outages.push(Date.now())
    }
  }
  const began = performance.now()
  await Promise.all([killer(), ...Array.from({ length: lanes }, (_, index) => lane(index))])
  const seconds = (performance.now() - began) / 1000
  await until('two hosts in the end', () => readyHosts(appliance).length === 2)

  const { duplicated, disagreeing } = compare(answers, await resultsIn(join(appliance.dir, 'data', 'journal')))
  return {
    requests: answers.length,
    seconds,
    kills,
    outages: outages.length,
    right,
    wrong,
    codes: countOf(answers.map(({ result }) => result).filter(result => result !== 'ok')),
    duplicated,
    disagreeing,
    back: returnsOf(outages, readyTimes(appliance.logged), goodAt),
  }
}

async function makeKeys(appliance: Appliance): Promise<Readonly<Record<(typeof custodies)[number], KeyObject>>> {
  const make = async (custody: string): Promise<KeyObject> => {
    await appliance.admin.post(keys, { name: custody, algorithm: 'P-256', custody })
    const { pem } = await appliance.admin.get<{ pem: string }>(`${keys}/${custody}/publicKey`)
    return createPublicKey(pem)
  }
  return { sealed: await make('sealed'), resident: await make('resident') }
}

async function sign(
  appliance: Appliance,
  name: string,
  message: Uint8Array,
): Promise<Answer & { readonly signature?: Uint8Array }> {
  const request = randomBytes(8).toString('hex')
  const { status, body } = await appliance.admin.send<{ signature: string; code: string }>({
    method: 'POST',
    path: `${keys}/${name}:sign`,
    body: { input: Buffer.from(message).toString('base64') },
    headers: { 'x-request-id': request },
  })
  if (status !== 200) return { request, result: body.code }
  return { request, result: 'ok', signature: Buffer.from(body.signature, 'base64') }
}

/** By the supervisor's own file. */
function readyHosts(appliance: Appliance): readonly number[] {
  const { hosts } = JSON.parse(readFileSync(join(appliance.dir, 'run', 'hsm-status.json'), 'utf8')) as {
    hosts: readonly { pid: number | null; state: string }[]
  }
  return hosts.flatMap(({ pid, state }) => (pid !== null && state === 'ready' ? [pid] : []))
}

/** The results of every use of a key, by request. Verifies the journal on the way. */
async function resultsIn(directory: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const results = new Map<string, string[]>()
  await readJournal(readJournalDirectory(directory), ({ action, correlation, result }: JournalRecord) => {
    if (action === 'key:sign') results.set(correlation, [...(results.get(correlation) ?? []), result])
  })
  return results
}

function compare(
  answers: readonly Answer[],
  results: ReadonlyMap<string, readonly string[]>,
): Pick<Soaked, 'duplicated' | 'disagreeing'> {
  let [duplicated, disagreeing] = [0, 0]
  for (const { request, result } of answers) {
    const [first, ...more] = results.get(request) ?? []
    if (more.length > 0) duplicated++
    if (first !== result) disagreeing++
  }
  return { duplicated, disagreeing }
}

/** When the supervisor said that a host is ready. */
function readyTimes(logged: string): readonly number[] {
  return logged
    .split('\n')
    .filter(line => line.includes('"HSM host is ready"'))
    .map(line => Date.parse((JSON.parse(line) as { time: string }).time))
}

/** A host that was killed before it answered anybody tells nothing. */
function returnsOf(outages: readonly number[], ready: readonly number[], good: readonly number[]): readonly number[] {
  const returns = outages.flatMap((struck, index) => {
    const back = ready.find(time => time > struck)
    const next = back === undefined ? undefined : good.find(time => time >= back)
    if (back === undefined || next === undefined || next > (outages[index + 1] ?? Infinity)) return []
    return [next - back]
  })
  return returns.toSorted((a, b) => a - b)
}

function countOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
