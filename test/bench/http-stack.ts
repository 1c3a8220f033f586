import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { built } from './built.ts'
import { estimate, orderOf } from './rounds.ts'
import type { client } from './servers/client.ts'
import type { echo } from './servers/echo.ts'
import type { httpStack } from './servers/http-stack.ts'
import { watched } from './window.ts'
import { Worker } from './worker.ts'
import { batchSize, itemOf, workloads } from './workloads.ts'

// What the HTTP stack takes of the processor for a request, beside the echoes, over an engine that costs nothing:
// `node --import tsx test/bench/http-stack.ts [--against CHECKOUT]… [--rounds N] [--ms N] [--batch] [--profile DIR]`.
// A CHECKOUT is another one of this repository that was built, measured in the same seconds.

const { values: flags } = parseArgs({
  options: {
    against: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '25' },
    ms: { type: 'string', default: '150' },
    batch: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})

const { createInternalCa, issueServerCertificate } =
  await built<typeof import('../../daemon/src/tls/internal-ca.ts')>('tls/internal-ca.js')
const work = await mkdtemp(join(tmpdir(), 'warder-http-stack-'))
const now = new Date()
const ca = await createInternalCa({ name: 'bench', now })
const issued = await issueServerCertificate(ca, { hosts: ['localhost', '127.0.0.1'], now })
const [caFile, certificate, key] = [join(work, 'ca.pem'), join(work, 'server.pem'), join(work, 'server.key')]
await writeFile(caFile, ca.certificatePem)
await writeFile(certificate, issued.certificatePem)
await writeFile(key, issued.privateKeyPem, { mode: 0o600 })

const item = itemOf(workloads[0] as (typeof workloads)[number])
const perRequest = flags.batch ? batchSize : 1
const body = JSON.stringify(flags.batch ? { items: Array.from({ length: batchSize }, () => item) } : item)
const paths = ['/v1/spaces/default/keys/bench-p256-resident:sign'] as const
const here = fileURLToPath(new URL('../../', import.meta.url))
const profiling = flags.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', flags.profile]

const servers = new Map<string, Worker<typeof echo> | Worker<typeof httpStack>>()
const stack = (root: string, nodeOptions: readonly string[] = []): void => {
  const args = [certificate, key, root]
  servers.set(root, new Worker<typeof httpStack>('servers/http-stack.ts', { args, nodeOptions }))
}
for (const root of flags.against) stack(root)
for (const kind of flags.batch ? [] : ['https', 'koa']) {
  servers.set(`echo.${kind}`, new Worker<typeof echo>('servers/echo.ts', { args: [kind, certificate, key] }))
}
stack(here, profiling)
const asking: Worker<typeof client>[] = []

try {
  const concurrency = flags.batch ? 16 : 64
  const subjects = await Promise.all(
    [...servers].map(async ([id, server]) => {
      const asker = new Worker<typeof client>('servers/client.ts', {})
      asking.push(asker)
      const port = await server.ask('listen', undefined)
      const authorization = 'wrd_0123456789abcdef_bench'
      await asker.ask('open', { target: { port, ca: caFile, method: 'POST', paths, authorization, body }, concurrency })
      const run = async (ms: number): Promise<number> => {
        const sample = await watched({ server: [server.pid] }, perRequest, () => asker.ask('run', { ms }))
        return sample.cpuMicros?.['server'] ?? Number.NaN
      }
      return { id, run, micros: [] as number[] }
    }),
  )
  for (const { run } of subjects) await run(3000)
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { run, micros } of orderOf(subjects, round)) micros.push(await run(Number(flags.ms)))
  }
  const [first] = subjects
  for (const { id, micros } of subjects) {
    const { value } = estimate(micros)
    const ratio = estimate(micros.map((spent, round) => spent / (first?.micros[round] ?? Number.NaN)))
    console.log(
      `${id}: ${value.toFixed(1)} µs of processor time, least ${Math.min(...micros).toFixed(1)}; ` +
        `${ratio.value.toFixed(2)} (${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}) of ${first?.id}`,
    )
  }
} finally {
  for (const party of [...asking, ...servers.values()]) await party[Symbol.asyncDispose]()
  await rm(work, { recursive: true, force: true })
}
