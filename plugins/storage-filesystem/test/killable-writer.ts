import { plugin } from '@warder/storage-filesystem'
import { writeUntilKilled } from '@warder/testkit'

await writeUntilKilled(plugin)
