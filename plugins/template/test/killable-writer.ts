import { writeUntilKilled } from '@warder/testkit'
import { plugin } from '../src/index.ts'

await writeUntilKilled(plugin)
