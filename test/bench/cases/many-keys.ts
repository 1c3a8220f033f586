import type { BenchAppliance } from '../bench-appliance.ts'
import { extraOf, type Group, sampleOf, type Subject } from '../figure.ts'
import type { Parties } from '../parties.ts'
import { itemOf, keyName, workloads } from '../workloads.ts'
import { ask } from './subjects.ts'

const few = 10
const pageLimit = 100

/** A store with `many` keys beside the same with ten: how fast one key of each signs, what keys nobody uses cost, how long a start takes. */
export function manyKeys(parties: Parties, many: number): Group {
  const note = `${many} sealed keys, made through the engine's own service; ${few} in the other store`
  const heapBytes = new Map<number, number>()
  const pages: string[] = []

  const signing = (count: number): Subject => {
    const workload = workloads.find(({ id }) => id === 'p256')
    if (workload === undefined) throw new Error('there is no such workload')
    const name = keyName(workload, 'resident')
    return {
      id: `rest.${count}keys`,
      async prepare() {
        const appliance = await parties.populated(count)
        heapBytes.set(count, (await appliance.probed({ collect: true })).heapBytes)
        await appliance.admin.post('/v1/spaces/default/keys', {
          name,
          algorithm: workload.algorithm,
          custody: 'resident',
        })
      },
      async run(ms) {
        const appliance = await parties.populated(count)
        const paths = [`/v1/spaces/default/keys/${name}:sign`] as const
        const request = { method: 'POST', paths, body: JSON.stringify(itemOf(workload)) } as const
        const sample = await ask(parties, appliance, { request, concurrency: 64, ms })
        return {
          ...sample,
          extra: { readySeconds: appliance.readySeconds, heapBytes: heapBytes.get(count) ?? Number.NaN },
        }
      },
    }
  }

  const listing: Subject = {
    id: 'list',
    prepare: async () => void pages.push(...(await pagesOf(await parties.populated(many)))),
    async run(ms) {
      const [first = '', ...more] = pages
      const request = { method: 'GET', paths: [first, ...more] } as const
      return ask(parties, await parties.populated(many), { request, concurrency: 1, ms })
    },
  }

  const [ofMany, ofFew] = [`rest.${many}keys`, `rest.${few}keys`]
  return {
    title: `${many} keys`,
    subjects: [signing(many), signing(few), listing],
    figures: [
      {
        id: 'keys100k.rate',
        unit: 'ops/s',
        subjects: [ofMany, ofFew],
        against: ofFew,
        value: round => sampleOf(round, ofMany).rate,
        ratio: round => sampleOf(round, ofMany).rate / sampleOf(round, ofFew).rate,
        quick: true,
        note,
      },
      {
        id: 'keys100k.bytes_per_key',
        unit: 'bytes',
        subjects: [ofMany, ofFew],
        value: round => (extraOf(round, ofMany, 'heapBytes') - extraOf(round, ofFew, 'heapBytes')) / (many - few),
        quick: true,
        note: `${note}; heap and what hangs on it, after a collection, before the first request`,
      },
      {
        id: 'keys100k.ready_s',
        unit: 's',
        subjects: [ofMany],
        value: round => extraOf(round, ofMany, 'readySeconds'),
        quick: true,
        note: `${note}; from the start of \`warder dev\`, HSM hosts and all; started once`,
      },
      {
        id: 'list.100k.p99_ms',
        unit: 'ms',
        subjects: ['list'],
        value: round => sampleOf(round, 'list').p99Ms,
        quick: true,
        note: `${note}; pages of ${pageLimit} of the keys with one tag, which a tenth have`,
      },
    ],
  }
}

/**
 * The addresses of all pages of the filtered list, with every filter beside that changes nothing. The appliance remembers
 * a page for some seconds, and there are so many that most are asked for again only when it is forgotten.
 */
async function pagesOf({ admin }: BenchAppliance): Promise<readonly string[]> {
  const base = `/v1/spaces/default/keys?limit=${pageLimit}&tag=${encodeURIComponent('team=red')}`
  const found = [base]
  for (let path: string | undefined = base; path !== undefined;) {
    const { next }: { next?: string } = await admin.get(path)
    path = next === undefined ? undefined : `${base}&after=${encodeURIComponent(next)}`
    if (path !== undefined) found.push(path)
  }
  const idle = ['', '&state=enabled', '&algorithm=HMAC-SHA-256', '&custody=sealed', '&state=enabled&custody=sealed']
  return idle.flatMap(filter =>
    ['', '&prefix=key', '&prefix=key-'].flatMap(prefix => found.map(path => path + filter + prefix)),
  )
}
