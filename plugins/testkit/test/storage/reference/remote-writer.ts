import { writeUntilKilled } from '@warder/testkit'
import { plugin } from './remote-storage.ts'

await writeUntilKilled(plugin)
