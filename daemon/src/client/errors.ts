import type { WarderCode } from '@warder/contract'

/** The appliance refused, or failed (RFC 9457). */
export class RemoteProblem extends Error {
  override readonly name = 'RemoteProblem'
  /** `undefined` when the answer was no problem document: something else answered, such as a proxy. */
  readonly code: WarderCode | undefined
  readonly status: number
  readonly title: string
  readonly requestId: string | undefined
  /** The same request may succeed later. */
  readonly retryable: boolean
  /** From `Retry-After`, where the answer has it. */
  readonly retryAfterMs: number | undefined

  constructor(problem: {
    readonly code?: WarderCode | undefined
    readonly status: number
    readonly title: string
    readonly detail: string
    readonly requestId?: string | undefined
    readonly retryable: boolean
    readonly retryAfterMs?: number | undefined
  }) {
    super(problem.detail)
    this.code = problem.code
    this.status = problem.status
    this.title = problem.title
    this.requestId = problem.requestId
    this.retryable = problem.retryable
    this.retryAfterMs = problem.retryAfterMs
  }
}

/**
 * - `down`: nothing accepts connections there. `expired`: its certificate has ended. `untrusted`: its
 *   certificate does not verify for another reason. `lost`: the connection ended
 *   before the answer was complete. `late`: no answer in time. After `lost` and `late` a change may have happened.
 */
export type UnreachableReason = 'down' | 'expired' | 'untrusted' | 'lost' | 'late'

/** There was no answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
  readonly reason: UnreachableReason

  constructor(reason: UnreachableReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** The act waits for approval (202). */
export class ApprovalPending extends Error {
  override readonly name = 'ApprovalPending'
  /** Where the approval is, as the appliance says. */
  readonly location: string | undefined
  readonly requestId: string | undefined

  constructor(location: string | undefined, requestId: string | undefined) {
    super('This waits for approval.')
    this.location = location
    this.requestId = requestId
  }
}
