import type { Reply } from '../client/transport.ts'
import { problemOf } from '../client/answer.ts'

/** `sealed`: there is no engine, so nothing is served. `failing`: a part of it fails. */
export type State = 'ready' | 'sealed' | 'failing'

export interface Readiness {
  readonly state: State
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>
}

const line = /^\[([+-])\](\S+) (?:ok|failed): (.*)$/

/** Reads the answer of `/readyz?verbose`. @throws RemoteProblem when it is none */
export function readiness(reply: Reply): Readiness {
  const parts: Record<string, { ok: boolean; detail: string }> = {}
  for (const text of reply.text.split('\n')) {
    const [, sign, part, detail = ''] = line.exec(text) ?? []
    if (part !== undefined) parts[part] = { ok: sign === '+', detail }
  }
  const verdict = /^readyz check (passed|failed)$/m.exec(reply.text)?.[1]
  if (verdict === undefined) throw problemOf(reply)
  if (verdict === 'passed') return { state: 'ready', parts }
  // While there is no engine it stands for all parts. One that is too slow, or that nothing but a repair opens, is listed likewise.
  const { engine } = parts
  const sealed = engine !== undefined && !engine.ok && !/in time|cannot be opened/.test(engine.detail)
  return { state: sealed ? 'sealed' : 'failing', parts }
}
