import { quietHost } from '@warder/testkit'
import { runSupervisor } from '../../../daemon/src/hsm/main.ts'

/** TEST ONLY: the program warder-hsm, configured by its first argument. */
await runSupervisor(JSON.parse(process.argv[2] ?? ''), { log: quietHost().log, exitWithParent: true })
process.exit(0)
