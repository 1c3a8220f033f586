import type { KeyView, ListPage } from '@warder/core'
import type { Client, ProblemBody, Reply, Sending } from '../../support/client.ts'

/** The keys of one space, as one client sees them. `send…` answer whatever comes; all else must go well. */
export class KeysOfSpace {
  readonly #client: Client
  readonly space: string

  constructor(client: Client, space = 'default') {
    this.#client = client
    this.space = space
  }

  get path(): string {
    return `/v1/spaces/${this.space}/keys`
  }

  /** One of these keys, as another client sees it. */
  as(client: Client): KeysOfSpace {
    return new KeysOfSpace(client, this.space)
  }

  create(body: { readonly name: string; readonly algorithm: string; readonly [field: string]: unknown }) {
    return this.#client.post<KeyView>(this.path, body)
  }

  get(name: string): Promise<KeyView> {
    return this.#client.get(`${this.path}/${name}`)
  }

  async names(query = ''): Promise<string[]> {
    const { items } = await this.#client.get<ListPage<KeyView>>(`${this.path}${query}`)
    return items.map(({ name }) => name)
  }

  send<Body = ProblemBody>(sending: Omit<Sending, 'path'> & { readonly path?: string }): Promise<Reply<Body>> {
    return this.#client.send<Body>({ ...sending, path: `${this.path}${sending.path ?? ''}` })
  }

  /** `…/keys/{name}:{action}`, with an `If-Match` that fits whatever the key is now, unless told. */
  sendAct<Body = ProblemBody>(
    name: string,
    action: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = { 'if-match': '*' },
  ): Promise<Reply<Body>> {
    return this.send<Body>({ method: 'POST', path: `/${name}:${action}`, body, headers })
  }

  async act<Body = KeyView>(
    name: string,
    action: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Body> {
    return wellDone(await this.sendAct<Body>(name, action, body, headers))
  }

  async edit(name: string, body: unknown): Promise<KeyView> {
    return wellDone(await this.send<KeyView>({ method: 'PATCH', path: `/${name}`, body, headers: { 'if-match': '*' } }))
  }
}

function wellDone<Body>({ status, text, body }: Reply<Body>): Body {
  if (status >= 200 && status < 300) return body
  throw new Error(`answered ${status}: ${text}`)
}

/** As every answer that is a key carries it. */
export const etagOf = ({ id, generation }: Pick<KeyView, 'id' | 'generation'>): string => `"${id}.${generation}"`
