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

type Services = { [Name in keyof Engine as Engine[Name] extends (...given: never[]) => unknown ? never : Name]: true }

/** By type, so that a service which is added and not listed does not compile. */
const services = Object.keys({
  keys: true,
  crypto: true,
  transfers: true,
  rootKeys: true,
  spaces: true,
  apiKeys: true,
  idempotency: true,
  backups: true,
} satisfies Services) as readonly (keyof Services)[]

type Pass = <T>(call: () => Promise<T>) => Promise<T>

/** Whoever lends it goes on using `engine` itself. */
export function lendEngine(engine: Engine): LentEngine {
  let underWay = 0
  let taken = false
  let onIdle = (): void => {}

  const pass: Pass = async call => {
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
  guarded.set('backups', lendBackups(engine.backups, pass))
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

/** A backup goes on after the call that began it: each part of it is a call. One that is cut off is on record as begun. */
function lendBackups(backups: Engine['backups'], pass: Pass): Engine['backups'] {
  return {
    create: (...given) =>
      pass(async () => {
        const backup = await backups.create(...given)
        return { ...backup, parts: eachIn(backup.parts, pass), finish: ended => pass(() => backup.finish(ended)) }
      }),
  }
}

async function* eachIn<Part>(parts: AsyncIterable<Part>, pass: Pass): AsyncGenerator<Part> {
  const iterator = parts[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await pass(() => iterator.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await pass(async () => iterator.return?.()).catch(() => undefined)
  }
}

/** What answers at once and tells nothing that is sealed. */
const free: ReadonlySet<unknown> = new Set<keyof Engine>(['figures'])

function guard<Service extends object>(
  service: Service,
  pass: Pass,
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
