import { runSupervisor } from '../../../src/hsm/main.ts'
import { keepLog } from './kept-log.ts'

/** TEST ONLY: the program warder-hsm, configured by its first argument. */
await runSupervisor(JSON.parse(process.argv[2] ?? ''), { log: keepLog(), exitWithParent: true })
process.exit(0)
