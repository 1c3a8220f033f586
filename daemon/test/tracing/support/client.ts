import { Agent, request } from 'node:https'

export interface Sending {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | undefined
}

export interface Reply {
  readonly status: number
  readonly text: string
  /** Empty where the answer is not an object. */
  readonly body: Readonly<Record<string, unknown>>
}

/** An HTTPS client with one API key. */
export class Client {
  readonly #options: { readonly url: string; readonly apiKey: string }
  readonly #agent: Agent

  constructor(options: { readonly url: string; readonly ca: string; readonly apiKey: string }) {
    this.#options = options
    this.#agent = new Agent({ ca: options.ca, keepAlive: true })
  }

  send({ method = 'GET', path, headers = {}, body }: Sending): Promise<Reply> {
    const { url, apiKey } = this.#options
    const all = {
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, url), { agent: this.#agent, method, headers: all }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('end', () => {
          const parsed = text.startsWith('{') ? (JSON.parse(text) as Reply['body']) : {}
          resolve({ status: response.statusCode ?? 0, text, body: parsed })
        })
      })
      asked.once('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
