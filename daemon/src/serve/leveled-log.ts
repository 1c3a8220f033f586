import type { Log, LogFields } from '@warder/contract'
import { type LogLevel, logLevels } from '../log/create-log.ts'

export interface LeveledLog extends Log {
  /** What is below is not logged any more. */
  level: LogLevel
}

/** A log whose level can be changed while it is in use. `log` itself takes every level. */
export function levelLog(log: Log, level: LogLevel): LeveledLog {
  const at =
    (name: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (logLevels.indexOf(name) >= logLevels.indexOf(leveled.level)) log[name](message, fields)
    }
  const leveled: LeveledLog = { level, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return leveled
}
