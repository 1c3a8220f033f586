import { readFile } from 'node:fs/promises'
import { connectHsm } from '../../../src/hsm/client.ts'

/** TEST ONLY: an API process in little. Uses the HSM in the directory of its first argument, then prints what it has mapped. */
const client = connectHsm({ runDir: process.argv[2] ?? '', hosts: 2 })
const op = { signal: AbortSignal.timeout(10_000) }
await client.ready(op)
await client.random(8, op)
await client[Symbol.asyncDispose]()
process.stdout.write(await readFile('/proc/self/maps', 'utf8'))
