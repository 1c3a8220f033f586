import { WarderError } from '@warder/contract'
import Database from 'better-sqlite3'

/** Whatever went wrong below, as the contract names it. The original stays in the process as `cause`. */
export function unavailable(message: string, cause?: unknown): WarderError {
  return new WarderError('storage-unavailable', message, { cause })
}

export function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call was cancelled.')
}

/** SQLite's extended result code, such as `SQLITE_IOERR_FSYNC`; undefined when the error is not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined
}
