import type { WarderError } from '@warder/contract'
import { asWarderError } from '../http/problem.ts'
import { wrapMethods } from '../wrap-methods.ts'

/** Told of each call: its name, `ok` or the code it failed with, how long it took, and what it failed with. */
export type Observe = (call: string, outcome: string, seconds: number, error?: WarderError) => void

/**
 * The same service, with these of its methods timed as the caller sees them. Each must return a promise. All other members
 * are the service's own.
 */
export function metered<Service extends object>(
  service: Service,
  calls: readonly (keyof Service & string)[],
  observe: Observe,
): Service {
  return wrapMethods(service, calls, (name, work) => time(name, work, observe))
}

/** What a call does before it first waits counts too. */
async function time(name: string, work: () => Promise<unknown>, observe: Observe): Promise<unknown> {
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  try {
    const result = await work()
    observe(name, 'ok', seconds())
    return result
  } catch (thrown) {
    const error = asWarderError(thrown)
    observe(name, error.code, seconds(), error)
    throw thrown
  }
}
