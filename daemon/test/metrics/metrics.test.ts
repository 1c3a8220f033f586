import { expect } from 'chai'
import { type KeyProvider, WarderError } from '@warder/contract'
import type { AppendFile, JournalFiles } from '@warder/core'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { meteredAnswers, meteredHsm, meteredJournal } from '../../src/metrics/ports.ts'

describe('metrics', () => {
  it('are of one appliance each: none is shared', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.requestRefused('forbidden')
    expect(await one.text({}, undefined)).to.include('warder_errors_total{code="forbidden"} 1')
    expect(await other.text({}, undefined)).to.not.include('forbidden')
  })

  it('have those of the process where asked for', async () => {
    const text = await createMetrics({ process: true }).text({}, undefined)
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_gc_duration_seconds'])
      expect(text).to.include(name)
    expect(await createMetrics().text({}, undefined)).to.not.include('nodejs_')
  })

  it('say nothing of figures that nobody counts', async () => {
    const metrics = createMetrics()
    expect(await metrics.text({}, undefined)).to.not.include('waiting_records')
    const figures = { journalWaiting: 2, caches: {} }
    for (let time = 0; time < 2; time++)
      expect(await metrics.text({}, figures)).to.include('warder_journal_waiting_records 2')
  })

  it('time calls to the HSM and to storage', async () => {
    const metrics = createMetrics()
    metrics.hsmCall('sign', 'ok', 0.004)
    metrics.storageCall('put', 'stale-revision', 0.1)
    const text = await metrics.text({}, undefined)
    expect(text).to.include('warder_hsm_call_duration_seconds_bucket{le="0.005",command="sign",outcome="ok"} 1')
    expect(text).to.include('warder_hsm_call_duration_seconds_bucket{le="0.0025",command="sign",outcome="ok"} 0')
    expect(text).to.include('warder_storage_call_duration_seconds_count{call="put",outcome="stale-revision"} 1')
  })

  it('tell the time inside an HSM host from that on the way and in queues', async () => {
    const metrics = createMetrics()
    meteredAnswers(metrics)({ op: 'sign', host: 1, hsmMicros: 4000, micros: 4200, waitedMicros: 0 })
    const text = await metrics.text({}, undefined)
    expect(text).to.include('warder_hsm_host_duration_seconds_sum{command="sign"} 0.004')
    expect(text).to.include('warder_hsm_queue_duration_seconds_sum{command="sign"} 0.0002')
  })

  it('count faults of the HSM by what PKCS#11 answered, and what nobody ever heard of as other', async () => {
    const metrics = createMetrics()
    let ckr: unknown = 'CKR_DEVICE_ERROR'
    const failing = async (): Promise<Uint8Array> => {
      throw new WarderError('hsm-failed', 'no', { facts: { ckr: ckr as string } })
    }
    const hsm = meteredHsm({ random: failing } as unknown as KeyProvider, metrics)
    const fail = () => hsm.random(1, { signal: new AbortController().signal }).catch(() => undefined)
    await fail()
    await fail()
    for (ckr of ['device "error"', 5, undefined]) await fail()
    for (let vendor = 0; vendor < 500; vendor++) {
      ckr = `CKR_VENDOR_${vendor}`
      await fail()
    }
    const lines = (await metrics.text({}, undefined))
      .split('\n')
      .filter(line => line.startsWith('warder_hsm_faults_total{'))
    expect(lines).to.include('warder_hsm_faults_total{ckr="CKR_DEVICE_ERROR"} 2')
    expect(lines).to.include('warder_hsm_faults_total{ckr="other"} 373')
    expect(lines).to.have.length(129)
  })

  it('tell of the HSM hosts as they are at each scrape, and of none that has gone', async () => {
    const metrics = createMetrics()
    let hosts = [0, 1]
    let told: (host: number, waitedMs: number) => void = () => {}
    const cache = { entries: 3, unwrapping: 0, hits: 7, misses: 4, evictions: 1 }
    metrics.watchHsm({
      waiting: 5,
      setAside: [1],
      tokenStates: [
        { serial: 'A', usable: true },
        { serial: undefined, usable: false },
      ],
      hostFigures: async () =>
        hosts.map(host => ({ host, figures: { sessions: { open: 2, inUse: 1, waiting: 0 }, cache } })),
      onTurn: listener => void (told = listener),
    })
    told(1, 20)
    const first = await metrics.text({}, undefined)
    for (const line of [
      'warder_hsm_waiting_calls 5',
      'warder_hsm_sessions{host="0",state="in_use"} 1',
      'warder_hsm_cache_entries{host="1"} 3',
      'warder_hsm_cache_hits_total{host="0"} 7',
      'warder_hsm_cache_misses_total{host="0"} 4',
      'warder_hsm_host_set_aside{host="1"} 1',
      'warder_hsm_token_usable{token="1",serial="A"} 1',
      'warder_hsm_token_usable{token="2",serial=""} 0',
      'warder_hsm_wait_seconds_bucket{le="0.025",host="1"} 1',
    ])
      expect(first).to.include(line)
    hosts = [0]
    const second = await metrics.text({}, undefined)
    expect(second).to.include('warder_hsm_cache_hits_total{host="0"} 7')
    expect(second).to.not.include('warder_hsm_cache_hits_total{host="1"}')
  })

  it('time what becomes durable in the journal, in each of its files', async () => {
    const metrics = createMetrics()
    const file: AppendFile = {
      append: async bytes => {
        if (bytes.length === 0) throw new Error('EIO')
      },
      appendLast: async () => undefined,
      close: async () => undefined,
    }
    const files: JournalFiles = {
      list: async () => ['a'],
      read: async function* () {},
      create: async () => file,
      open: async () => file,
    }
    const timed = meteredJournal(files, metrics)
    expect(await timed.list()).to.deep.equal(['a'])
    await (await timed.create('b', Uint8Array.of(1))).append(Uint8Array.of(1))
    const reopened = await timed.open('b', 1)
    await reopened.append(Uint8Array.of(1))
    await reopened.append(new Uint8Array()).catch(() => undefined)
    await reopened.close()
    const text = await metrics.text({}, undefined)
    expect(text).to.include('warder_journal_sync_duration_seconds_count{outcome="ok"} 3')
    expect(text).to.include('warder_journal_sync_duration_seconds_count{outcome="internal"} 1')
  })
})
