import { WarderError } from '@warder/contract'
import type { SupervisorStatus } from './status.ts'

/** Why no host can be reached, as far as the supervisor's status tells. Only `final` reasons need an operator. */
export interface Unavailability {
  readonly reason: string
  readonly detail: string
  readonly final: boolean
}

export function explain(status: SupervisorStatus | undefined): Unavailability {
  if (status === undefined) return { reason: 'no-supervisor', detail: 'warder-hsm has not been started', final: false }
  const failure = status.hosts.find(host => host.error !== undefined)?.error
  const usual = unexplained[status.state]
  return {
    reason: failure?.code ?? usual.reason,
    detail: failure?.message ?? usual.detail,
    final: status.state === 'refused',
  }
}

const unexplained: Readonly<Record<SupervisorStatus['state'], { readonly reason: string; readonly detail: string }>> = {
  starting: { reason: 'starting', detail: 'the HSM hosts are starting' },
  serving: { reason: 'not-connected', detail: 'the HSM hosts are not reachable' },
  refused: { reason: 'refused', detail: 'warder-hsm refused to start hosts' },
  stopped: { reason: 'stopped', detail: 'warder-hsm was stopped' },
}

export function unavailable(why: Unavailability): WarderError {
  return new WarderError('hsm-unavailable', `No HSM host is connected: ${why.detail}`, {
    facts: { reason: why.reason, outcome: 'not-started' },
  })
}
