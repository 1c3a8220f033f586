import { WarderError } from '@warder/contract'
import type { HostStatus, SupervisorStatus } from './status.ts'

/** Why no host can be reached, as far as the supervisor's status tells. Only `final` reasons need an operator. */
export interface Unavailability {
  readonly reason: string
  readonly detail: string
  readonly final: boolean
  /** A host is being replaced, and its successor is on its way. */
  readonly passing: boolean
}

/** `concerns`: whether a host is one of those that the question is about; absent: all are. */
export function explain(
  status: SupervisorStatus | undefined,
  concerns: (host: HostStatus) => boolean = () => true,
): Unavailability {
  if (status === undefined) return { ...none, detail: 'warder-hsm has not been started' }
  const hosts = status.hosts.filter(concerns)
  const failure = hosts.find(host => host.error !== undefined)?.error
  if (status.state === 'sealed') {
    const why = failure === undefined ? '' : ` (the last try: ${failure.message})`
    return { reason: 'sealed', detail: `sealed: run warder unseal on its host${why}`, final: true, passing: false }
  }
  const usual = unexplained[status.state]
  return {
    reason: failure?.code ?? usual.reason,
    detail: failure?.message ?? usual.detail,
    final: status.state === 'refused' || areRefused(hosts),
    passing: status.state === 'serving' && hosts.some(host => host.state === 'recycling'),
  }
}

/** Whether each token that these are for has refused one of them for good. */
function areRefused(hosts: readonly HostStatus[]): boolean {
  const refused = new Set(hosts.filter(host => host.state === 'failed').map(host => host.token))
  return hosts.length > 0 && hosts.every(host => refused.has(host.token))
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

/**
 * `sealed` where an operator has to unseal, else `hsm-unavailable`; nothing was done either way. `token`: the serial number of
 * the token that could have done it.
 */
export function unavailable(why: Unavailability, token?: string): WarderError {
  if (why.reason === 'sealed') {
    return new WarderError('sealed', `The HSM is ${why.detail}`, { facts: { outcome: 'not-started' } })
  }
  const which = token === undefined ? 'No HSM host is connected' : `No HSM host of the token ${token} is connected`
  return new WarderError('hsm-unavailable', `${which}: ${why.detail}`, {
    facts: { reason: why.reason, outcome: 'not-started', ...(token !== undefined && { token }) },
  })
}
