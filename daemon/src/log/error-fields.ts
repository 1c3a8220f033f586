import { WarderError, type LogFields } from '@warder/contract'

/**
 * What of an error goes into a log. A WarderError's message is safe prose; that of any other error may quote input, so of
 * those only the name, the system's code and the places in the code are kept, down through the causes.
 */
export function errorFields(error: unknown): LogFields {
  const fields: Record<string, string> = {}
  const causes: string[] = []
  let depth = 0
  for (let each: unknown = error; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if (WarderError.is(each)) {
      if (depth === 0) Object.assign(fields, { code: each.code, error: each.message })
      else causes.push(`${each.code}: ${each.message}`)
    } else {
      causes.push(summary(each))
      fields['at'] = placesOf(each)
    }
  }
  if (causes.length > 0) fields['cause'] = causes.join(' <- ')
  return fields
}

function summary(error: Error): string {
  const code =
    'code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(error.code) ? error.code : ''
  return code === '' ? error.name.slice(0, 64) : `${error.name.slice(0, 64)} ${code}`
}

/** The frames of a stack, without the message that heads it. */
function placesOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter(line => /^ {4}at /.test(line))
  return frames
    .slice(0, 8)
    .map(line => line.trim())
    .join('; ')
}
