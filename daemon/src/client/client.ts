import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { WarderError } from '@warder/contract'
import { objectOf, problemOf } from './answer.ts'
import { Deadline, textOf } from './deadline.ts'
import { ApprovalPending } from './errors.ts'
import { retryDelay } from './retry.ts'
import { type OperationId, type Route, routes } from './routes.ts'
import { connect, type Reply, type Sending, type Transport } from './transport.ts'
import type { Answered, Asked } from './types.ts'

export interface ClientOptions {
  /** Such as `https://127.0.0.1:8443`. */
  readonly url: URL
  /** PEM: the authorities to trust, and no others; absent: those that Node.js trusts. */
  readonly ca?: string | undefined
  /** Zeroed when the client is disposed of. */
  readonly apiKey?: Uint8Array | undefined
  /** For one call with all its attempts, in milliseconds; 30,000 when absent. */
  readonly timeoutMs?: number | undefined
}

export interface CallOptions {
  /** An ETag, or `*`. */
  readonly ifMatch?: string | undefined
  readonly idempotencyKey?: string | undefined
}

export interface Answer<Body> {
  readonly body: Body
  /** Of keys. */
  readonly etag: string | undefined
  readonly requestId: string | undefined
}

/**
 * The REST API, typed by its table of operations. What is answered is believed to have the type that the table states: the
 * appliance is known by its certificate, and nothing else is talked to.
 *
 * A call is repeated by itself only when it is a GET; see {@link retryDelay}.
 */
export class WarderClient implements Disposable {
  readonly #transport: Transport
  readonly #apiKey: Uint8Array | undefined
  readonly #timeoutMs: number

  constructor({ url, ca, apiKey, timeoutMs = 30_000 }: ClientOptions) {
    this.#transport = connect(url, ca)
    this.#apiKey = apiKey
    this.#timeoutMs = timeoutMs
  }

  /**
   * @throws RemoteProblem when the appliance refuses or fails, ApprovalPending when the act waits for approval,
   *   Unreachable when there is no answer, WarderError `malformed-request` when a name in the path is empty or dots
   */
  async call<Id extends OperationId>(
    id: Id,
    asked: Asked<Id>,
    { ifMatch, idempotencyKey }: CallOptions = {},
  ): Promise<Answer<Answered<Id>>> {
    const route: Route = routes[id]
    const { params = {}, query = {}, body } = asked as Parts
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json' }
    this.#authorize(headers)
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (ifMatch !== undefined) headers['if-match'] = ifMatch
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const path = pathOf(route.path, params) + searchOf(query)
    const sent = body === undefined ? undefined : JSON.stringify(body)
    const reply = await this.#send({ method: route.method, path, headers, body: sent })
    const answered = objectOf(reply.text)
    if (answered === undefined) throw problemOf(reply)
    const { etag, 'x-request-id': requestId } = reply.headers
    return { body: answered as Answered<Id>, etag, requestId: requestId?.toString() }
  }

  /**
   * The bytes that an operation answers, as they come. `timeoutMs` holds for the headers, and then for each wait for more.
   * @throws as {@link call}; Unreachable from the bytes when they end before their end
   */
  async stream(id: StreamedId): Promise<Bytes> {
    const { method, path } = routes[id]
    const headers: Record<string, string> = { accept: 'application/octet-stream, application/problem+json' }
    this.#authorize(headers)
    const late = new Deadline(this.#timeoutMs)
    const reply = await this.#transport.open({ method, path, headers, signal: late.signal }).catch((error: unknown) => {
      late.stop()
      throw error
    })
    const bytes = this.#bytesOf(reply.body, late)
    if (reply.status === 200) return { headers: reply.headers, bytes }
    throw problemOf({ ...reply, text: await textOf(bytes) })
  }

  async *#bytesOf(body: AsyncIterable<Buffer>, late: Deadline): AsyncGenerator<Buffer> {
    try {
      for await (const part of body) {
        late.stop()
        yield part
        late.start()
      }
    } catch (error) {
      throw this.#transport.explain(error, late.signal)
    } finally {
      late.stop()
    }
  }

  #authorize(headers: Record<string, string>): void {
    if (this.#apiKey !== undefined) headers['authorization'] = `Bearer ${Buffer.from(this.#apiKey).toString('latin1')}`
  }

  /** Every item of every page, at most `limit` of them; pages are asked for as they are needed. */
  async *items<Id extends ListId>(id: Id, asked: Asked<Id>, limit = Infinity): AsyncGenerator<ItemOf<Id>> {
    let after: string | undefined
    let left = limit
    do {
      const { query = {}, ...rest } = asked as Parts
      const page = { ...query, limit: String(Math.min(left, 1000)), ...(after === undefined ? {} : { after }) }
      const { body } = await this.call(id, { ...rest, query: page } as unknown as Asked<Id>)
      const { items, next } = body as { readonly items: readonly ItemOf<Id>[]; readonly next?: string }
      yield* items.slice(0, left)
      left -= items.length
      after = next
    } while (after !== undefined && left > 0)
  }

  /** A probe, without credentials, whatever its status. @throws Unreachable */
  probe(path: '/readyz?verbose'): Promise<Reply> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    return this.#transport.send({ method: 'GET', path, headers: {}, signal })
  }

  [Symbol.dispose](): void {
    this.#apiKey?.fill(0)
    this.#transport[Symbol.dispose]()
  }

  async #send(sending: Omit<Sending, 'signal'>): Promise<Reply> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    for (let attempt = 1; ; attempt++) {
      try {
        return well(await this.#transport.send({ ...sending, signal }))
      } catch (failure) {
        const delay = retryDelay(sending.method, attempt, failure)
        if (delay === undefined || signal.aborted) throw failure
        await wait(delay)
      }
    }
  }
}

type StreamedId = 'createBackup'

export interface Bytes {
  readonly headers: IncomingHttpHeaders
  readonly bytes: AsyncIterable<Buffer>
}

type ListId = 'listKeys' | 'listSpaces' | 'listApiKeys'
type ItemOf<Id extends ListId> = Answered<Id> extends { readonly items: readonly (infer Item)[] } ? Item : never

interface Parts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
}

function well(reply: Reply): Reply {
  if (reply.status === 202) {
    throw new ApprovalPending(reply.headers.location, reply.headers['x-request-id']?.toString())
  }
  if (reply.status === 200 || reply.status === 201) return reply
  throw problemOf(reply)
}

function pathOf(template: string, params: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    // An empty segment, or a dot segment, would be another path.
    if (value === undefined || /^\.{0,2}$/.test(value)) {
      throw new WarderError('malformed-request', `${name}: must be a name`, { facts: { field: name } })
    }
    return encodeURIComponent(value)
  })
}

function searchOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
