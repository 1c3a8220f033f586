import type { Log, LogFields } from '@warder/contract'
import { pino, type DestinationStream } from 'pino'
import { mask, redact } from './redact.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * JSON, one line an entry: `time` (RFC 3339, UTC), `level` by name, `message`, and the fields. No field can take the place
 * of these three, and nothing that looks like a secret is printed.
 */
export function createLog(destination: DestinationStream, level: LogLevel): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  )
  const at =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(name)) logger[name](redact(fields), mask(message))
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
