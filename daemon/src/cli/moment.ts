import { CliError } from './failure.ts'

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i

/**
 * A time as people write it: an amount such as `15m`, `12h` or `90d`, counted from `now` in `direction`, or RFC 3339.
 * @throws CliError
 */
export function momentOf(text: string, direction: 'ago' | 'ahead', now: Date): Date {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount !== undefined) {
    const distance = Number(amount) * units[unit as keyof typeof units]
    return new Date(now.getTime() + (direction === 'ago' ? -distance : distance))
  }
  const at = rfc3339.test(text) ? new Date(text) : undefined
  if (at === undefined || Number.isNaN(at.getTime())) {
    throw new CliError(`${text} is no time.`, 'write 15m, 12h, 90d, or 2030-01-31T12:00:00Z')
  }
  return at
}
