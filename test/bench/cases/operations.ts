import { type Figure, type Group, type Round, sampleOf, type Subject, throughput } from '../figure.ts'
import type { Parties } from '../parties.ts'
import { type Custody, type Workload, workloads } from '../workloads.ts'
import { echo, engine, type Form, formName, raw, rest, sync } from './subjects.ts'

const forms: readonly Form[] = [
  { concurrency: 1, batch: false },
  { concurrency: 16, batch: false },
  { concurrency: 64, batch: false },
  { concurrency: 16, batch: true },
]

const quick: ReadonlySet<string> = new Set([
  'engine.rsa2048.c64',
  'engine.rsa3072.c64',
  'engine.p256.c64',
  'engine.ed25519.c64',
  'engine.gcm1k.c64',
  'engine.p256.batch100',
  'rest.rsa2048.c64',
  'rest.rsa3072.c64',
  'rest.p256.batch100',
])

/** Every operation at every concurrency, resident and sealed, in the engine and over REST, against the raw loop. */
export const operationGroups = (parties: Parties): readonly Group[] =>
  workloads.map(workload => ({
    title: workload.algorithm,
    subjects: [...allSubjects(parties, workload), ...(workload.id === 'p256' ? onlyOfP256(parties, workload) : [])],
    figures: [...allFigures(workload), ...(workload.id === 'p256' ? figuresOfP256 : [])],
  }))

const custodies = ({ sealable }: Workload): readonly Custody[] => (sealable ? ['resident', 'sealed'] : ['resident'])

function allSubjects(parties: Parties, workload: Workload): Subject[] {
  return custodies(workload).flatMap(custody => [
    raw(parties, workload, custody),
    ...forms.map(form => engine(parties, workload, custody, form)),
    ...forms.map(form => rest(parties, workload, custody, form)),
  ])
}

function allFigures(workload: Workload): Figure[] {
  return custodies(workload).flatMap(custody =>
    ['engine', 'rest'].flatMap(side =>
      forms.map(form => {
        const sealed = custody === 'sealed'
        const id = `${side}.${workload.id}.${sealed ? 'sealed.' : ''}${formName(form)}`
        return throughput(id, id, `raw.${workload.id}${sealed ? '.session' : ''}`, quick.has(id))
      }),
    ),
  )
}

function onlyOfP256(parties: Parties, workload: Workload): Subject[] {
  return [
    raw(parties, workload, 'resident', 1),
    engine(parties, workload, 'resident', { concurrency: 64, batch: false }, 'none'),
    ...([1, 64] as const).flatMap(concurrency => [
      echo(parties, workload, 'https', concurrency),
      echo(parties, workload, 'koa', concurrency),
    ]),
    sync(parties),
  ]
}

const figuresOfP256: readonly Figure[] = [
  throughput('engine.p256.sealed_cached', 'engine.p256.sealed.c64', 'engine.p256.c64', true),
  throughput('rest.p256.c64.https_echo', 'rest.p256.c64', 'echo.https.c64', true),
  throughput('rest.p256.c64.koa_echo', 'rest.p256.c64', 'echo.koa.c64', true),
  throughput('echo.https.c64', 'echo.https.c64', undefined, true),
  throughput('echo.koa.c64', 'echo.koa.c64', undefined, true),
  {
    id: 'rest.p256.c1.added_ms',
    unit: 'ms',
    subjects: ['rest.p256.c1', 'echo.https.c1', 'raw.p256.one', 'fdatasync'],
    value: round => {
      const [whole, ...parts] = ['rest.p256.c1', 'echo.https.c1', 'raw.p256.one', 'fdatasync'].map(id =>
        p50Of(round, id),
      )
      return parts.reduce((left, part) => left - part, whole ?? Number.NaN)
    },
    quick: true,
  },
  {
    id: 'audit.cost',
    unit: 'share',
    subjects: ['engine.p256.c64', 'engine-no-journal.p256.c64'],
    value: round => 1 - rateOf(round, 'engine.p256.c64') / rateOf(round, 'engine-no-journal.p256.c64'),
    quick: true,
  },
]

const p50Of = (round: Round, id: string): number => sampleOf(round, id).p50Ms
const rateOf = (round: Round, id: string): number => sampleOf(round, id).rate
