import { WarderError } from '@warder/contract'
import type { SupervisorStatus } from './status.ts'

/** Why no host can be reached, as far as the supervisor's status tells. Only `final` reasons need an operator. */
export interface Unavailability {
  readonly reason: string
  readonly detail: string
  readonly final: boolean
  /** A host is being replaced, and its successor is on its way. */
  readonly passing: boolean
}

export function explain(status: SupervisorStatus | undefined): Unavailability {
  if (status === undefined) return { ...none, detail: 'warder-hsm has not been started' }
  const failure = status.hosts.find(host => host.error !== undefined)?.error
  if (status.state === 'sealed') {
    const why = failure === undefined ? '' : ` (the last try: ${failure.message})`
    return { reason: 'sealed', detail: `sealed: run warder unseal on its host${why}`, final: true, passing: false }
  }
  const usual = unexplained[status.state]
  return {
    reason: failure?.code ?? usual.reason,
    detail: failure?.message ?? usual.detail,
    final: status.state === 'refused',
    passing: status.state === 'serving' && status.hosts.some(host => host.state === 'recycling'),
  }
}

const none = { reason: 'no-supervisor', final: false, passing: false } as const

const unexplained: Readonly<
  Record<Exclude<SupervisorStatus['state'], 'sealed'>, { readonly reason: string; readonly detail: string }>
> = {
  starting: { reason: 'starting', detail: 'the HSM hosts are starting' },
  serving: { reason: 'not-connected', detail: 'the HSM hosts are not reachable' },
  refused: { reason: 'refused', detail: 'warder-hsm refused to start hosts' },
  stopped: { reason: 'stopped', detail: 'warder-hsm was stopped' },
}

/** `sealed` where an operator has to unseal, else `hsm-unavailable`; nothing was done either way. */
export function unavailable(why: Unavailability): WarderError {
  if (why.reason === 'sealed') {
    return new WarderError('sealed', `The HSM is ${why.detail}`, { facts: { outcome: 'not-started' } })
  }
  return new WarderError('hsm-unavailable', `No HSM host is connected: ${why.detail}`, {
    facts: { reason: why.reason, outcome: 'not-started' },
  })
}
