import { WarderError } from '@warder/contract'
import type { Engine } from '@warder/core'

/** An engine that callers hold, and that can be taken back from them. */
export interface LentEngine {
  readonly engine: Engine
  /**
   * From here on every call is refused with `sealed`, those within a call that is under way included. Resolves when none is
   * under way any more, however long that takes: an engine that is opened anew must not meet the writes of this one.
   */
  takeBack(): Promise<void>
}

const services = [
  'keys',
  'crypto',
  'transfers',
  'rootKeys',
  'spaces',
  'apiKeys',
  'idempotency',
] as const satisfies readonly (keyof Engine)[]

/** Whoever lends it goes on using `engine` itself. */
export function lendEngine(engine: Engine): LentEngine {
  let underWay = 0
  let taken = false
  let onIdle = (): void => {}

  const pass = async (call: () => Promise<unknown>): Promise<unknown> => {
    if (taken) throw new WarderError('sealed', 'The appliance was sealed.')
    underWay++
    try {
      return await call()
    } finally {
      underWay--
      if (taken && underWay === 0) onIdle()
    }
  }
  const guarded = new Map<unknown, unknown>(services.map(name => [name, guard(engine[name], pass)]))
  return {
    engine: guard(engine, pass, guarded),
    takeBack() {
      taken = true
      return new Promise(resolve => {
        onIdle = resolve
        if (underWay === 0) resolve()
      })
    },
  }
}

/** What answers at once and tells nothing that is sealed. */
const free: ReadonlySet<unknown> = new Set<keyof Engine>(['figures'])

function guard<Service extends object>(
  service: Service,
  pass: (call: () => Promise<unknown>) => Promise<unknown>,
  instead: ReadonlyMap<unknown, unknown> = new Map(),
): Service {
  return new Proxy(service, {
    get(target, name) {
      if (instead.has(name)) return instead.get(name)
      const member: unknown = Reflect.get(target, name)
      if (!isMethod(member)) return member
      if (free.has(name)) return member.bind(target)
      return (...given: unknown[]) => pass(() => member.apply(target, given))
    },
  })
}

function isMethod(member: unknown): member is (...given: unknown[]) => Promise<unknown> {
  return typeof member === 'function'
}
