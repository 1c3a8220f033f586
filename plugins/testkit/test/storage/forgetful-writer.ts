import { writeUntilKilled } from '@warder/testkit'
import { plugin } from './forgetful-storage.ts'

await writeUntilKilled(plugin)
