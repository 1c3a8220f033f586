import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { permissions } from '@warder/core'
import { drillSeed, seeded } from '../drills/support/random.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { malformedRequests } from '../e2e/support/malformed.ts'
import { residentMiB, throwRequests } from '../e2e/support/throw-requests.ts'
import { startAppliance } from '../support/appliance.ts'

// Throws malformed requests at an appliance, 32 at once, and prints how they were answered and what the daemon held in
// memory meanwhile: `node --import tsx --conditions warder-source test/bench/malformed.ts [COUNT]`. WARDER_DRILL_SEED
// repeats a run. Ends with 1 when anything was answered 5xx, or the appliance does not serve any more.

const count = Number(process.argv[2] ?? 100_000)
const seed = drillSeed()
const width = 32
const every = Math.ceil(count / 10)

const appliance = await startAppliance()
try {
  await appliance.admin.post('/v1/spaces', { name: 'fuzz' })
  const keys = new KeysOfSpace(appliance.admin, 'fuzz')
  await keys.create({ name: 'ec', algorithm: 'P-256' })
  await keys.create({ name: 'aes', algorithm: 'AES-256' })
  await keys.create({ name: 'mac', algorithm: 'HMAC-SHA-256' })
  const { secret } = await appliance.admin.post<{ secret: string }>('/v1/apiKeys', {
    identity: 'fuzzer',
    spaces: ['fuzz'],
    permissions,
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  })
  const { url, ca, pid } = appliance.ready
  const marker = `zQ${randomBytes(8).toString('hex')}`
  const aim = { authorization: `Bearer ${secret}`, space: 'fuzz', keys: ['ec', 'aes', 'mac'], marker }
  const target = { url, ca: await readFile(ca, 'utf8') }
  console.log(`seed ${seed}, ${width} at once; resident at first ${residentMiB(pid)} MiB`)

  let broken = 0
  const begin = performance.now()
  const requests = malformedRequests(seeded(seed), aim)
  const { statuses } = await throwRequests(target, requests, { count, width }, ({ status = 0, text }, sent, index) => {
    if (status >= 500 || (status >= 400 && text.includes(marker))) {
      broken++
      console.log(`request ${index}: ${JSON.stringify(sent).slice(0, 1000)}\n${text.slice(0, 1000)}`)
    }
    if ((index + 1) % every === 0) console.log(`after ${index + 1}: ${residentMiB(pid)} MiB`)
  })
  const seconds = (performance.now() - begin) / 1000
  const told = Object.entries(statuses).map(([status, times]) => `${status}: ${times}`)
  console.log(`${count} in ${seconds.toFixed(0)} s (${(count / seconds).toFixed(0)}/s); ${told.join(', ')}`)

  const { status } = await appliance.admin.send({ path: '/readyz' })
  // what was there before may be anything by now
  await keys.create({ name: 'after', algorithm: 'HMAC-SHA-256' })
  await keys.act('after', 'mac', { input: '' })
  const untold = !appliance.logged.includes(marker) && !(await appliance.journal()).includes(marker)
  console.log(`ready: ${status}; 5xx or echoed: ${broken}; nothing of it in log or journal: ${untold}`)
  process.exitCode = status === 200 && broken === 0 && untold ? 0 : 1
} finally {
  await appliance[Symbol.asyncDispose]()
}
