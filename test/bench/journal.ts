import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Journal } from '../../core/src/audit/journal.ts'
import { openJournalDirectory } from '../../daemon/src/journal/journal-directory.ts'

// Appends records of the size of a signature's to a journal on a real disk, and prints the rate and how long callers
// waited: `node --import tsx --conditions warder-source test/bench/journal.ts [SECONDS] [DIRECTORY]`.

const seconds = Number(process.argv[2] ?? 5)
const place = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'warder-bench-'))

const signing = (correlation: string) =>
  ({
    type: 'key-use',
    action: 'key:sign',
    correlation,
    actor: 'billing-service',
    authn: { method: 'api-key', credential: '0123456789abcdef', sourceIp: '192.0.2.17' },
    subject: {
      space: 'default',
      key: '0b6f3d5e-5d0c-4f3a-9a55-0c2f6a1f7d11',
      name: 'invoices',
      version: 1,
      algorithm: 'ES256',
      input: randomBytes(32),
    },
    result: 'ok',
  }) as const

async function measure(journal: Journal, writers: number): Promise<string> {
  const waits: number[] = []
  const begin = performance.now()
  const end = begin + seconds * 1000
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let n = 0; performance.now() < end; n++) {
        const asked = performance.now()
        await journal.append(signing(`request-${writer}-${n}`))
        waits.push(performance.now() - asked)
      }
    }),
  )
  const took = (performance.now() - begin) / 1000
  waits.sort((a, b) => a - b)
  const quantile = (q: number): string => (waits[Math.floor(q * (waits.length - 1))] ?? 0).toFixed(2)
  return `${String(writers).padStart(3)} writers  ${Math.round(waits.length / took)} records/s  p50 ${quantile(0.5)} ms  p99 ${quantile(0.99)} ms`
}

try {
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const files = await openJournalDirectory(join(place, 'journal'))
  const context = { files, log, now: () => new Date(), node: 'bench', redaction: { version: 1, key: randomBytes(32) } }
  const journal = await Journal.create(context, 'bench')
  try {
    for (const writers of [1, 64, 256]) console.log(await measure(journal, writers))
  } finally {
    await journal.close()
  }
} finally {
  await rm(place, { recursive: true, force: true })
}
