/**
 * Every attribute that a span may have, and what it may hold. None holds what a caller sent, but for the names of a space and
 * a key that were in the path of a request whose caller was known.
 *
 * The names without `warder.` are those of OpenTelemetry's semantic conventions for HTTP servers. Left out of what these
 * ask for: `url.path` and `url.query`, `client.address`, `user_agent.original`, and every header.
 */
export interface Attributes {
  /** As in RFC 9110, `_OTHER` for one that it does not know. */
  'http.request.method'?: string
  'url.scheme'?: 'https'
  /** The template, as in the OpenAPI document. */
  'http.route'?: string
  'http.response.status_code'?: number
  /** What a request was refused with (docs/errors.md). */
  'warder.code'?: string
  /** The code, where it is the appliance that failed. */
  'error.type'?: string
  /** The operationId. */
  'warder.operation'?: string
  'warder.space'?: string
  'warder.key'?: string
  /** A command of the contract, such as `sign`. */
  'warder.hsm.command'?: string
  /** The number of the HSM host that answered. */
  'warder.hsm.host'?: number
  /** Time inside the HSM host, in microseconds. */
  'warder.hsm.host_us'?: number
  /** What PKCS#11 answered (CKR_…), where it failed. */
  'warder.hsm.ckr'?: string
  /** `get`, `put` … */
  'warder.storage.call'?: string
}

export type AttributeName = keyof Attributes

/** The same as a list, for what checks spans. */
export const attributeNames = [
  'http.request.method',
  'url.scheme',
  'http.route',
  'http.response.status_code',
  'warder.code',
  'error.type',
  'warder.operation',
  'warder.space',
  'warder.key',
  'warder.hsm.command',
  'warder.hsm.host',
  'warder.hsm.host_us',
  'warder.hsm.ckr',
  'warder.storage.call',
] as const satisfies readonly AttributeName[]
