import { Agent, request } from 'node:https'
import { allOf, type KeyFacts, type Subject } from './subject.ts'

export interface HttpSubject extends Subject, Disposable {}

/** An appliance over HTTPS, on connections that are kept. A problem rejects with its `code`, a broken connection with Node's. */
export function httpSubject(at: { readonly url: string; readonly ca: string; readonly apiKey: string }): HttpSubject {
  const agent = new Agent({ keepAlive: true, ca: at.ca })

  function send<T>(method: 'GET' | 'POST', path: string, body?: unknown, apiKey = at.apiKey): Promise<Answer<T>> {
    const content = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${apiKey}`,
      ...(content !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
      }),
    }
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, at.url), { method, agent, headers }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          if (!response.complete) return reject(new Error('the answer was cut short'))
          const status = response.statusCode ?? 0
          if (status < 300) {
            return resolve({ body: JSON.parse(text) as T, request: String(response.headers['x-request-id']) })
          }
          const { code } = JSON.parse(text) as { code: string }
          reject(Object.assign(new Error(`${method} ${path}: ${status} ${code}`), { code }))
        })
      })
      sent.on('error', reject)
      sent.end(content)
    })
  }

  const get = async <T>(path: string): Promise<T> => (await send<T>('GET', path)).body
  const post = async <T>(path: string, body?: unknown): Promise<T> => (await send<T>('POST', path, body)).body
  const list = <T>(path: string): Promise<T[]> =>
    allOf(after =>
      get<{ items: T[]; next?: string }>(
        `${path}?limit=1000${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`,
      ),
    )
  const keysOf = (space: string): string => `/v1/spaces/${space}/keys`

  return {
    createSpace: async name => void (await post('/v1/spaces', { name })),
    createKey: (space, name, custody) => post<KeyFacts>(keysOf(space), { name, algorithm: 'P-256', custody }),
    key: (space, name) => get<KeyFacts>(`${keysOf(space)}/${name}`),
    publicKey: async (space, name) => {
      const { spki } = await get<{ spki: string }>(`${keysOf(space)}/${name}/publicKey`)
      return Buffer.from(spki, 'base64')
    },
    async sign(space, name, message) {
      const input = Buffer.from(message).toString('base64')
      const path = `${keysOf(space)}/${name}:sign`
      const { body, request: id } = await send<{ signature: string }>('POST', path, { input, format: 'der' })
      return { signature: Buffer.from(body.signature, 'base64'), request: id }
    },
    async issue() {
      const input = { identity: 'service', spaces: '*', permissions: ['read'], expiresAt: '2999-01-01T00:00:00Z' }
      const { apiKey, secret } = await post<{ apiKey: { id: string }; secret: string }>('/v1/apiKeys', input)
      return { id: apiKey.id, secret }
    },
    revoke: async id => (await post<{ revokedAt: string }>(`/v1/apiKeys/${id}:revoke`)).revokedAt,
    async accepts(secret) {
      try {
        await send('GET', '/v1/spaces', undefined, secret)
        return true
      } catch (error) {
        if ((error as { code?: unknown }).code === 'invalid-credentials') return false
        throw error
      }
    },
    spaces: async () => (await list<{ name: string }>('/v1/spaces')).map(({ name }) => name),
    keys: space => list<KeyFacts>(keysOf(space)),
    apiKeys: () => list<{ id: string; revokedAt: string | null }>('/v1/apiKeys'),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

interface Answer<T> {
  readonly body: T
  /** The request's id. */
  readonly request: string
}
