/** Stands around one call of a method, by its name; `work` makes the call. */
export type Around = (name: string, work: () => Promise<unknown>) => Promise<unknown>

/**
 * The same service, with `around` about each call of these methods, which must return promises. All other members are the
 * service's own.
 */
export function wrapMethods<Service extends object>(
  service: Service,
  names: readonly (keyof Service & string)[],
  around: Around,
): Service {
  const wrapped = new Map<string | symbol, unknown>()
  for (const name of names) {
    const method: unknown = service[name]
    if (isMethod(method)) {
      wrapped.set(name, (...given: unknown[]) => around(name, () => method.apply(service, given)))
    }
  }
  return new Proxy(service, {
    get(target, name) {
      if (wrapped.has(name)) return wrapped.get(name)
      // Private members are reached through the service itself, never through a proxy.
      const member: unknown = Reflect.get(target, name)
      return isMethod(member) ? member.bind(target) : member
    },
  })
}

function isMethod(member: unknown): member is (...given: unknown[]) => Promise<unknown> {
  return typeof member === 'function'
}
