import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { Unreachable, type UnreachableReason } from './errors.ts'

export interface Sending {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface StreamedReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
}

export interface Transport extends Disposable {
  /** Resolves with the headers; the signal holds for what follows too. @throws Unreachable */
  open(sending: Sending): Promise<StreamedReply>
  /** What an error of an opened reply means. */
  explain(error: unknown, signal: AbortSignal): Unreachable
  /** @throws Unreachable */
  send(sending: Sending): Promise<Reply>
}

/** Far above any answer of the API: what is longer comes from something else. */
const answerLimit = 64 * 1024 * 1024

/** Connections over TLS 1.3 to one appliance, kept alive until it is disposed of. No redirect is followed. */
export function connect(url: URL, ca: string | undefined): Transport {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 8,
    minVersion: 'TLSv1.3',
    ...(ca === undefined ? {} : { ca }),
  })
  return {
    explain: (error, signal) => unreachable(error, url, signal),
    open: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const asked = request(new URL(path, url), { agent, method, headers, signal }, response =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response }),
        )
        asked.once('error', error => reject(unreachable(error, url, signal)))
        asked.end(body)
      }),
    send: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const fail = (error: unknown): void => reject(unreachable(error, url, signal))
        const asked = request(new URL(path, url), { agent, method, headers, signal }, response => {
          const parts: Buffer[] = []
          let length = 0
          response.on('data', (part: Buffer) => {
            parts.push(part)
            length += part.length
            if (length > answerLimit) asked.destroy(new Error('the answer is too long'))
          })
          response.once('error', fail)
          response.once('end', () => {
            const bytes = Buffer.concat(parts)
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: bytes.toString('utf8') })
            // Answers may hold plaintext and keys.
            for (const each of [bytes, ...parts]) each.fill(0)
          })
        })
        asked.once('error', fail)
        asked.end(body)
      }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

const nowhere = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])
const badCertificate = /CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE|ERR_TLS/
const lost = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

function unreachable(error: unknown, url: URL, signal: AbortSignal): Unreachable {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  const at = url.origin
  const say = (reason: UnreachableReason, message: string): Unreachable => new Unreachable(reason, message, error)
  if (signal.aborted) return say('late', `${at} did not answer in time.`)
  if (nowhere.has(code)) return say('down', `Nothing answers at ${at} (${code}).`)
  if (lost.has(code)) return say('lost', `The connection to ${at} was lost (${code}).`)
  if (code === 'CERT_HAS_EXPIRED') return say('expired', `The certificate of ${at} has expired.`)
  if (badCertificate.test(code)) return say('untrusted', `The certificate of ${at} is not trusted (${code}).`)
  return say('lost', `The exchange with ${at} failed (${code || String(error)}).`)
}
