import { pino } from 'pino'
import { createLog } from '../log/create-log.ts'
import { runHost } from './host-program.ts'
import { openPlugin } from './open-plugin.ts'

// synchronous, so that the last words of a dying host are written
runHost(openPlugin, createLog(pino.destination({ fd: 2, sync: true }), 'info'))
