import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'

export interface Reply<Body> {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As sent. */
  readonly bytes: Buffer
  readonly text: string
  /** The text as JSON; `undefined` when it is not JSON. */
  readonly body: Body
}

/** A problem (RFC 9457) as far as these tests look at it. */
export interface ProblemBody {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly request_id: string
  readonly retryable: boolean
}

export interface Sending {
  readonly method?: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** As it is, or as JSON when it is neither text nor bytes. */
  readonly body?: unknown
}

/** An HTTPS client of one appliance with one credential. Connections are kept alive until it is closed. */
export class Client {
  readonly #url: string
  readonly #agent: Agent
  readonly #apiKey: string | undefined

  constructor(options: { url: string; ca: string; apiKey?: string | undefined }) {
    this.#url = options.url
    this.#apiKey = options.apiKey
    this.#agent = new Agent({ ca: options.ca, keepAlive: true, maxSockets: 64, minVersion: 'TLSv1.3' })
  }

  send<Body = ProblemBody>(sending: Sending): Promise<Reply<Body>> {
    const { method = 'GET', path, body } = sending
    const headers: Record<string, string> = {}
    if (this.#apiKey !== undefined) headers['authorization'] = `Bearer ${this.#apiKey}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    Object.assign(headers, sending.headers)
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.#url), { agent: this.#agent, method, headers }, response => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const bytes = Buffer.concat(parts)
          const text = bytes.toString('utf8')
          const { statusCode = 0, headers: answered } = response
          resolve({ status: statusCode, headers: answered, bytes, text, body: parsed(text) as Body })
        })
      })
      asked.once('error', reject)
      asked.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
    })
  }

  /** The answer of a GET that must go well. */
  async get<Body>(path: string): Promise<Body> {
    return well(await this.send<Body>({ path }))
  }

  /** The answer of a POST that must go well. */
  async post<Body>(path: string, body?: unknown): Promise<Body> {
    return well(await this.send<Body>({ method: 'POST', path, body }))
  }

  close(): void {
    this.#agent.destroy()
  }
}

function well<Body>({ status, text, body }: Reply<Body>): Body {
  if (status >= 200 && status < 300) return body
  throw new Error(`answered ${status}: ${text}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
