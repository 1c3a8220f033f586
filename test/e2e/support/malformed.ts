import { pathOf } from '../../../daemon/src/api/operation.ts'
import { operations } from '../../../daemon/src/api/operations.ts'
import { plausibleBody } from './plausible-body.ts'

/** As an HTTP client sends it; or, where none would, as bytes on a connection of its own. */
export type Malformed =
  | {
      readonly method: string
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly body?: string | Buffer
    }
  | { readonly raw: Buffer }

interface Draft {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Buffer
}

/** Where the requests are aimed: what is there, and a word that must never be heard of again. */
export interface Aim {
  readonly authorization: string
  readonly space: string
  readonly keys: readonly string[]
  readonly marker: string
}

/** A seed's requests, without end. Each is a good one with something wrong: its method, path, headers, body or bytes. */
export function* malformedRequests(random: () => number, aim: Aim): Generator<Malformed, never> {
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item
  const { marker } = aim

  /** A value of some other kind, with the marker in it where it is text. */
  const junk = (depth = 0): unknown =>
    pick<() => unknown>([
      () => marker,
      () => `${marker}${'x'.repeat(below(300))}`,
      () => `\u0000\ud800${marker}`,
      () => `AAA${marker}=`,
      () => null,
      () => random() < 0.5,
      () => below(2 ** 31) - 2 ** 30,
      () => pick([-0, 0.5, 1e308, Number.MAX_SAFE_INTEGER + 2, -1, 0]),
      () => (depth > 3 ? [] : Array.from({ length: below(5) }, () => junk(depth + 1))),
      () => (depth > 3 ? {} : { [pick([marker, 'length', '', 'constructor', 'toString'])]: junk(depth + 1) }),
    ])()

  /** As JSON, after one thing in it was changed. */
  const badJson = (good: Record<string, unknown>): string | Buffer => {
    const fields = Object.keys(good)
    const field = pick(['nothing', ...fields])
    const text = JSON.stringify(good)
    return pick<() => string | Buffer>([
      () => JSON.stringify({ ...good, [field]: junk() }),
      () => JSON.stringify({ ...good, [field]: junk() }),
      () => JSON.stringify({ ...good, [field]: junk() }),
      () => JSON.stringify({ ...good, [`${marker}${below(10)}`]: 1 }),
      () => JSON.stringify(Object.fromEntries(Object.entries(good).filter(([name]) => name !== field))),
      () => text.slice(0, below(text.length)),
      () => `${text}${pick(['}', ',', '\u0000', marker, text])}`,
      () => text.replace('{', `{"__proto__":{"${marker}":1},`),
      () => text.replace('{', `{"\\u005f_proto__":1,`),
      () => text.replace('{', `{"constructor":{"prototype":{}},`),
      () => text.replace('{', `{"a":1,"a":2,`),
      () => text.replace(/:/, pick([':NaN,"a":', ':.1,"a":', ':0x1,"a":', ': ,"a":', `:'${marker}',"a":`])),
      () => '['.repeat(below(3000)) + marker,
      () => `{${'"a":'.repeat(1)}${'{"a":'.repeat(below(60))}1`,
      () => `{${Array.from({ length: below(3000) }, (_, n) => `"${n}":1`).join(',')}}`,
      () => `{"${'n'.repeat(below(600))}":"${marker}"}`,
      () => JSON.stringify({ ...good, [field]: `${marker}${'A'.repeat(below(120_000))}` }),
      () =>
        JSON.stringify({
          items: pick([junk(), [], [junk()], [good, junk()], Array.from({ length: 1001 }, () => ({}))]),
        }),
      () => JSON.stringify({ items: [{ ...good, [field]: junk() }] }),
      () => JSON.stringify(pick([junk(), [good], marker, 1, null])),
      () => Buffer.from(`\ufeff${text}`),
      () => Buffer.from(text, 'utf16le'),
      () => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0x80 + below(128), 0x22]), Buffer.from('}')]),
      () => Buffer.from(Array.from({ length: below(400) }, () => below(256))),
      () => '',
    ])()
  }

  const badHeader = (): Record<string, string> =>
    pick<() => Record<string, string>>([
      () => ({
        'content-type': pick(['text/plain', 'application/json; charset=latin1', marker, '', 'application/xml']),
      }),
      () => ({ 'content-encoding': pick(['gzip', 'br', 'identity, gzip', marker]) }),
      () => ({
        authorization: pick([
          marker,
          'Basic AAAA',
          'Bearer',
          `Bearer ${marker}`,
          `Bearer wrd_${marker}`,
          'Bearer  x y',
        ]),
      }),
      () => ({ 'if-match': pick(['W/"x"', marker, '"', '"a", "b"', '*, *', '""', `"${marker}.1"`, 'x'.repeat(2000)]) }),
      () => ({ 'if-none-match': pick(['W/"x"', marker, '"', ',,,', '"a'.repeat(50)]) }),
      () => ({ 'idempotency-key': pick(['', 'ä', 'k'.repeat(300), '\t', marker]) }),
      () => ({ 'x-request-id': pick(['', '../..', 'ä', 'r'.repeat(80), `${marker} ${marker}`]) }),
      () => ({ traceparent: pick(['00-0-0-0', marker, '', 'ff-'.repeat(40)]) }),
      () => ({ accept: pick(['text/html;q=2', marker, '*/*'.repeat(100)]) }),
      () => ({ expect: pick([marker, '200-ok']) }),
      () => ({ connection: pick(['upgrade', marker]), upgrade: pick(['h2c', 'websocket', marker]) }),
      () => Object.fromEntries(Array.from({ length: 95 + below(60) }, (_, n) => [`x-${n}`, marker])),
      () => ({ 'x-long': marker.repeat(below(1200)) }),
      () => ({ cookie: `a=${marker}` }),
    ])()

  const badPath = (path: string): string =>
    pick<() => string>([
      () => path.replace(/\/[^/]*$/, `/${marker}`),
      () => path.replace(aim.space, pick([marker, '..', '%2e%2e', '%00', '%ff%fe', 'FUZZ', '%20', 'a'.repeat(70), ''])),
      () =>
        `${path}${pick(['/', '//', '%', '%zz', ':', `:${marker}`, '/versions/1e3', '/versions/-1', '/versions/0'])}`,
      () =>
        `${path}?${pick([`${marker}=1`, '__proto__=1', 'version=x', 'limit=-1', 'limit=1&limit=2', 'after=%ff', '&&&=', `tag=${marker}%00`, `state=${marker}`])}`,
      () => path.replace('/v1/', pick(['/v2/', '/', '//v1/', '/V1/', '/v1%2f', '/./v1/', `/${marker}/`])),
      () => `/${'a/'.repeat(below(2000))}`,
      () => `${path}${'%41'.repeat(below(3000))}`,
      () => `/problems/${pick([marker, '__proto__', 'constructor', '..%2f', ''])}`,
      () => path.replace('/v1/', '/v1/;/'),
    ])()

  /** What no HTTP client sends. */
  const badBytes = ({ method, path, headers, body = '' }: Draft): Buffer => {
    const head = [`${method} ${path} HTTP/1.1`, 'host: x', ...Object.entries(headers).map(each => each.join(': '))]
    const request = (...more: readonly string[]): Buffer =>
      Buffer.concat([Buffer.from([...head, ...more, '', ''].join('\r\n'), 'latin1'), Buffer.from(body)])
    const length = Buffer.byteLength(body)
    return pick<() => Buffer>([
      () => request(`content-length: ${length}`, 'transfer-encoding: chunked'),
      () => request(`content-length: ${length}`, `content-length: ${length + 1}`),
      () => request(`content-length: ${pick(['-1', '0x10', '1e3', '9'.repeat(30), marker, ''])}`),
      () => request('transfer-encoding: chunked, identity'),
      () => Buffer.concat([request('transfer-encoding: chunked'), Buffer.from(`zz\r\n${marker}\r\n0\r\n\r\n`)]),
      () => request(`x: \u0001${marker}`),
      () => request(`x y: ${marker}`),
      () => request(`: ${marker}`),
      () => Buffer.from(`${method} ${path}\r\n\r\n`),
      () => Buffer.from(`${method} ${path} HTTP/${pick(['0.9', '1.2', '2.0', '9.9', marker])}\r\n\r\n`),
      () => Buffer.from(`${marker} ${path} HTTP/1.1\r\nhost: x\r\n\r\n`),
      () => Buffer.from(`GET ${path} HTTP/1.1\r\n\r\n`),
      () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      () => Buffer.from(`GET http://${marker}/ HTTP/1.1\r\nhost: x\r\n\r\n`),
      () => Buffer.from(`GET * HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n`),
      () => Buffer.from(Array.from({ length: 1 + below(300) }, () => below(256))),
      () => request(`x: ${marker.repeat(1500)}`),
    ])()
  }

  for (;;) {
    const operation = pick(operations)
    const params = { space: aim.space, key: pick(aim.keys), version: '1', id: '0123456789abcdef' }
    const draft: Draft = {
      method: operation.method,
      path: pathOf(operation.path, params),
      headers: { authorization: aim.authorization },
    }
    const good = plausibleBody(operation)
    if (operation.ifMatch === 'required' && random() < 0.8) draft.headers['if-match'] = '*'
    if (operation.method !== 'GET') {
      draft.headers['content-type'] = 'application/json'
      draft.body = JSON.stringify(good)
    }
    const wrong = random()
    if (wrong < 0.6 && operation.method !== 'GET') draft.body = badJson(good)
    else if (wrong < 0.75) draft.path = badPath(draft.path)
    else if (wrong < 0.9) {
      Object.assign(draft.headers, badHeader())
      draft.body = badJson(good)
      draft.headers['content-type'] ??= 'application/json'
    } else if (wrong < 0.96) {
      draft.method = pick(['PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'HEAD', 'SEARCH', 'PURGE'])
    } else {
      yield { raw: badBytes(draft) }
      continue
    }
    yield draft
  }
}
