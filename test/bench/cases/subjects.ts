import type { BenchAppliance } from '../bench-appliance.ts'
import type { Sample, Subject } from '../figure.ts'
import type { Parties } from '../parties.ts'
import type { Target } from '../servers/client.ts'
import { residentMiB } from '../cpu.ts'
import { overHttp, together, watched } from '../window.ts'
import { batchSize, type Custody, itemOf, keyName, type Workload } from '../workloads.ts'

const subjectId = (side: string, workload: Workload, custody: Custody, form: string): string =>
  `${side}.${workload.id}.${custody === 'sealed' ? 'sealed.' : ''}${form}`

/** The raw loop: two processes, each as fast as the token lets it; or one of them. */
export function raw(parties: Parties, workload: Workload, custody: Custody, processes: 1 | 2 = 2): Subject {
  return {
    id: `raw.${workload.id}${custody === 'sealed' ? '.session' : ''}${processes === 1 ? '.one' : ''}`,
    async prepare() {
      // one after the other: the second finds what the first has made
      for (const worker of await parties.raw()) await worker.ask('prepare', { workload, custody })
    },
    async run(ms) {
      const workers = (await parties.raw()).slice(0, processes)
      return watched({ loop: workers.map(({ pid }) => pid) }, 1, async () =>
        together(await Promise.all(workers.map(worker => worker.ask('run', { workload, custody, ms })))),
      )
    },
  }
}

export interface Form {
  readonly concurrency: number
  readonly batch: boolean
}

export const formName = ({ concurrency, batch }: Form): string => (batch ? `batch${batchSize}` : `c${concurrency}`)

export function engine(
  parties: Parties,
  workload: Workload,
  custody: Custody,
  form: Form,
  journal: 'disk' | 'none' = 'disk',
): Subject {
  return {
    id: subjectId(journal === 'disk' ? 'engine' : 'engine-no-journal', workload, custody, formName(form)),
    prepare: async () => (await parties.engine(journal)).ask('prepare', { workload, custody }),
    async run(ms) {
      const worker = await parties.engine(journal)
      const { hostPids } = await parties.appliance()
      return watched({ engine: [worker.pid], hosts: hostPids }, form.batch ? batchSize : 1, () =>
        worker.ask('run', { workload, custody, ms, ...form }),
      )
    },
  }
}

export function rest(parties: Parties, workload: Workload, custody: Custody, form: Form): Subject {
  const name = keyName(workload, custody)
  const item = itemOf(workload)
  const body = JSON.stringify(form.batch ? { items: Array.from({ length: batchSize }, () => item) } : item)
  return {
    id: subjectId('rest', workload, custody, formName(form)),
    async prepare() {
      const { admin } = await parties.appliance()
      const { status } = await admin.send({ path: `/v1/spaces/default/keys/${name}` })
      if (status === 404) {
        await admin.post('/v1/spaces/default/keys', { name, algorithm: workload.algorithm, custody })
      }
    },
    async run(ms) {
      const paths = [`/v1/spaces/default/keys/${name}:${workload.action}`] as const
      const request = { method: 'POST', paths, body } as const
      const { concurrency } = form
      return ask(parties, await parties.appliance(), { request, concurrency, each: form.batch ? batchSize : 1, ms })
    },
  }
}

/** Puts one request to an appliance, again and again. */
export async function ask(
  parties: Parties,
  appliance: BenchAppliance,
  asked: { request: Pick<Target, 'method' | 'paths' | 'body'>; concurrency: number; each?: number; ms: number },
): Promise<Sample> {
  const { request, concurrency, each = 1, ms } = asked
  const { port, ready, apiKey, pid, hostPids } = appliance
  const worker = await parties.client()
  await appliance.probed()
  const sample = await overHttp(
    { worker, spenders: { api: [pid], hosts: hostPids }, each, ms },
    { target: { ...request, port, ca: ready.ca, authorization: apiKey }, concurrency },
  )
  const resident = residentMiB(pid)
  const { latenessP99Ms } = await appliance.probed()
  return { ...sample, loopP99Ms: latenessP99Ms, residentMiB: resident }
}

/** The same request, answered by a server that does nothing. */
export function echo(parties: Parties, workload: Workload, kind: 'https' | 'koa', concurrency: number): Subject {
  return {
    id: `echo.${kind}.c${concurrency}`,
    prepare: async () => void (await parties.echo(kind)),
    async run(ms) {
      const { worker, port } = await parties.echo(kind)
      const client = await parties.client()
      const { ready } = await parties.appliance()
      const body = JSON.stringify(itemOf(workload))
      const target: Target = { port, ca: ready.ca, method: 'POST', paths: ['/'], authorization: 'echo', body }
      return overHttp({ worker: client, spenders: { echo: [worker.pid] }, ms }, { target, concurrency })
    },
  }
}

/** One record written and synced, again and again. */
export function sync(parties: Parties): Subject {
  return {
    id: 'fdatasync',
    prepare: async () => void (await parties.syncLoop()),
    async run(ms) {
      const worker = await parties.syncLoop()
      return watched({ loop: [worker.pid] }, 1, () => worker.ask('run', { ms }))
    },
  }
}
