import { asWarderError } from '../http/problem.ts'

/** Told of each call: its name, `ok` or the code it failed with, and how long it took. */
export type Observe = (call: string, outcome: string, seconds: number) => void

/**
 * The same service, with these of its methods timed as the caller sees them. Each must return a promise. All other members
 * are the service's own.
 */
export function metered<Service extends object>(
  service: Service,
  calls: readonly (keyof Service & string)[],
  observe: Observe,
): Service {
  const timed = new Map<string | symbol, unknown>()
  for (const name of calls) {
    const call: unknown = service[name]
    if (isMethod(call)) timed.set(name, (...given: unknown[]) => time(name, () => call.apply(service, given), observe))
  }
  return new Proxy(service, {
    get(target, name) {
      if (timed.has(name)) return timed.get(name)
      // Private members are reached through the service itself, never through a proxy.
      const member: unknown = Reflect.get(target, name)
      return isMethod(member) ? member.bind(target) : member
    },
  })
}

/** What a call does before it first waits counts too. */
async function time(name: string, work: () => Promise<unknown>, observe: Observe): Promise<unknown> {
  const began = performance.now()
  const done = (outcome: string): void => observe(name, outcome, (performance.now() - began) / 1000)
  try {
    const result = await work()
    done('ok')
    return result
  } catch (error) {
    done(asWarderError(error).code)
    throw error
  }
}

function isMethod(member: unknown): member is (...given: unknown[]) => Promise<unknown> {
  return typeof member === 'function'
}
