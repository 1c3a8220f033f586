import { plugin } from '@warder/storage-sqlite'
import { writeUntilKilled } from '@warder/testkit'

await writeUntilKilled(plugin)
