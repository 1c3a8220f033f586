import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import type { Malformed } from './malformed.ts'

/** At whom: an appliance, as `--ready-file` tells of it. */
export interface Target {
  readonly url: string
  /** PEM. */
  readonly ca: string
}

export interface Heard {
  /** `undefined` when the connection was closed without an answer. */
  readonly status: number | undefined
  readonly type: string
  readonly text: string
}

export interface Thrown {
  readonly count: number
  /** By status; `closed` for connections that were closed without one. */
  readonly statuses: Readonly<Record<string, number>>
}

/** The longest that one request may be without an end, in milliseconds. */
const patienceMs = 30_000

/**
 * Sends so many requests, at most `width` at once, over connections that are kept alive. Hears every answer with what was
 * sent; rejects with what `hear` throws.
 */
export async function throwRequests(
  target: Target,
  requests: Iterator<Malformed>,
  { count, width }: { readonly count: number; readonly width: number },
  hear: (heard: Heard, sent: Malformed, index: number) => void | Promise<void>,
): Promise<Thrown> {
  const agent = new Agent({ ca: target.ca, keepAlive: true, maxSockets: width, minVersion: 'TLSv1.3' })
  const statuses: Record<string, number> = {}
  let sent = 0
  const lane = async (): Promise<void> => {
    while (sent < count) {
      const index = sent++
      const malformed = requests.next().value as Malformed
      const heard = 'raw' in malformed ? await sendBytes(target, malformed.raw) : await send(target, agent, malformed)
      const status = String(heard.status ?? 'closed')
      statuses[status] = (statuses[status] ?? 0) + 1
      await hear(heard, malformed, index)
    }
  }
  try {
    await Promise.all(Array.from({ length: width }, lane))
  } finally {
    agent.destroy()
  }
  return { count: sent, statuses }
}

/** What a process has in memory, in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}

function send(target: Target, agent: Agent, malformed: Exclude<Malformed, { raw: Buffer }>): Promise<Heard> {
  const { method, path, headers, body } = malformed
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(target.url)
    const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
    const asked = request(
      { hostname, port, agent, method, path, headers: { ...length, ...headers }, timeout: patienceMs },
      response => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const text = Buffer.concat(parts).toString('utf8') + JSON.stringify(response.headers)
          resolve({ status: response.statusCode, type: response.headers['content-type'] ?? '', text })
        })
      },
    )
    asked.once('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path}`)))
    // an answer given before the whole request was read closes the connection, and the rest of it goes nowhere
    asked.once('error', (error: NodeJS.ErrnoException) =>
      ['ECONNRESET', 'EPIPE'].includes(error.code ?? '')
        ? resolve({ status: undefined, type: '', text: '' })
        : reject(error),
    )
    asked.once('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('it changed the protocol'))
    })
    asked.end(body)
  })
}

function sendBytes(target: Target, bytes: Buffer): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(target.url)
    let text = ''
    const socket = connect({ host: hostname, port: Number(port), ca: target.ca, minVersion: 'TLSv1.3' }, () =>
      socket.end(bytes),
    )
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no end of a connection')))
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (!['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) reject(error)
    })
    socket.once('close', () => {
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? []
      const [, type = ''] = /^content-type: ([^\r]*)/im.exec(text) ?? []
      resolve({ status: status === undefined ? undefined : Number(status), type, text })
    })
  })
}
