import type { Router } from '@koa/router'
import { WarderError, warderCodes, type WarderCode } from '@warder/contract'
import type { RequestState } from './context.ts'
import { problems } from './problem.ts'
import { problemTexts } from './problem-texts.ts'

/** `GET /problems/{code}`: what a problem's type means, looked up on the appliance itself and without credentials. */
export function routeProblemPages(router: Router<RequestState>): void {
  const known: ReadonlySet<string> = new Set(warderCodes)

  router.get('/problems/:code', ctx => {
    ctx.state.operation = 'problems'
    const { code = '' } = ctx.params
    if (!known.has(code)) throw new WarderError('route-not-found', 'there is no such problem')
    const page = pageOf(code as WarderCode)
    if (ctx.accepts('json', 'text') === 'text') {
      ctx.body = textOf(page)
      return
    }
    ctx.body = JSON.stringify(page)
    ctx.type = 'application/json'
  })
}

export interface ProblemPage {
  readonly type: string
  readonly code: WarderCode
  readonly title: string
  readonly status: number
  readonly retryable: boolean
  readonly meaning: string
  readonly remedy: string
}

function pageOf(code: WarderCode): ProblemPage {
  const { title, status, retryable } = problems[code]
  return { type: `urn:warder:problem:${code}`, code, title, status, retryable, ...problemTexts[code] }
}

function textOf({ code, title, status, retryable, meaning, remedy }: ProblemPage): string {
  const retry = retryable ? 'The same request may succeed later.' : 'The same request will fail again.'
  return `${code}\n\n${title}. HTTP status ${status}.\n\n${meaning}\n${retry}\n\nWhat to do: ${remedy}\n`
}
