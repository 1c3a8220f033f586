import { WarderError } from '@warder/contract'
import { ApprovalPending, RemoteProblem, Unreachable, type UnreachableReason } from '../client/errors.ts'
import { remedies } from './remedies.ts'

/** What is wrong on this side: a file, a flag, the surroundings. */
export class CliError extends Error {
  override readonly name = 'CliError'
  /** What puts it right: a command where there is one. */
  readonly remedy: string | undefined

  constructor(message: string, remedy?: string, cause?: unknown) {
    super(message, { cause })
    this.remedy = remedy
  }
}

/** A failure that ends with another exit code than its kind does. */
export class EndsWith extends Error {
  override readonly name = 'EndsWith'
  readonly exitCode: number

  constructor(exitCode: number, cause: unknown) {
    super('failed', { cause })
    this.exitCode = exitCode
  }
}

/** `local`: what is wrong is here. `remote`: the appliance refused, failed or did not answer. */
export const exitCodes = { ok: 0, local: 1, remote: 2, pending: 3 } as const

export interface Failure {
  /** Lines for stderr. */
  readonly lines: readonly string[]
  readonly exitCode: number
}

/** What a person is told of an error, and what a script sees of it. Never a stack trace. */
export function failureOf(error: unknown): Failure {
  if (error instanceof EndsWith) return { ...failureOf(error.cause), exitCode: error.exitCode }
  if (error instanceof ApprovalPending) {
    const where = error.location === undefined ? [] : [`approval: ${error.location}`]
    return { lines: [error.message, ...where, ...requestLine(error.requestId)], exitCode: exitCodes.pending }
  }
  if (error instanceof RemoteProblem) {
    const code = error.code === undefined ? '' : ` [${error.code}]`
    const remedy = error.code === undefined ? undefined : remedies[error.code]
    return {
      lines: [`${error.message}${code}`, ...remedyLine(remedy), ...requestLine(error.requestId)],
      exitCode: exitCodes.remote,
    }
  }
  if (error instanceof Unreachable) {
    return { lines: [error.message, ...remedyLine(reach[error.reason])], exitCode: exitCodes.remote }
  }
  if (WarderError.is(error)) {
    return { lines: [`${error.message} [${error.code}]`], exitCode: exitCodes.local }
  }
  if (error instanceof CliError) {
    return { lines: [error.message, ...remedyLine(error.remedy)], exitCode: exitCodes.local }
  }
  return { lines: [String(error)], exitCode: exitCodes.local }
}

const reach: Readonly<Record<UnreachableReason, string>> = {
  down: '--addr or WARDER_ADDR says where the appliance is; on its host, `systemctl status warder` says whether it runs',
  expired: 'on its host, `warder tls renew` issues another, and `systemctl restart warder` takes it over',
  untrusted: "name the authority of the appliance's certificate with --cacert FILE or WARDER_CACERT",
  lost: 'a change may have happened: look before you repeat it; `warder status` says whether the appliance serves',
  late: 'a change may have happened: look before you repeat it; --timeout SECONDS waits longer',
}

const remedyLine = (remedy: string | undefined): string[] => (remedy === undefined ? [] : [`fix: ${remedy}`])
const requestLine = (id: string | undefined): string[] => (id === undefined ? [] : [`request: ${id}`])
