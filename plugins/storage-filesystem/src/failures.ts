import { WarderError } from '@warder/contract'

/** Whatever went wrong below, as the contract names it. The original stays in the process as `cause`. */
export function unavailable(message: string, cause?: unknown): WarderError {
  return new WarderError('storage-unavailable', message, { cause })
}

/** A record that is there and cannot be used: it is never "absent". */
export function damaged(collection: string, message: string, cause?: unknown): WarderError {
  return new WarderError('storage-unavailable', message, { facts: { collection }, cause })
}

export function invalid(message: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', message, { facts: { field: 'directory' }, cause })
}

export function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call was cancelled.')
}

/** The system's name of an error, such as `ENOSPC` (errno(3)). */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
