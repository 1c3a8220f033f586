import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { HsmClient } from '../hsm/client.ts'

/** What is told of the HSM hosts and of the calls that wait for them. */
export type WatchedHsm = Pick<HsmClient, 'waiting' | 'setAside' | 'tokenStates' | 'hostFigures' | 'onTurn'>

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** How long the answer to a scrape waits for the hosts; what they have not told by then is left out. */
const patienceMs = 500

/**
 * Registers what the hosts count. Answers how to ask them, which is to be done before each scrape and never rejects; a host
 * that is gone, or does not answer in time, is not told of.
 */
export function watchHsmHosts(registers: Registry[], hsm: WatchedHsm): () => Promise<void> {
  const sessions = new Gauge({
    name: 'warder_hsm_sessions',
    help: 'Sessions of an HSM host: open, of them in use, and calls that wait for one',
    labelNames: ['host', 'state'],
    registers,
  })
  const ofHost = { labelNames: ['host'], registers } as const
  const entries = new Gauge({ name: 'warder_hsm_cache_entries', help: 'Sealed keys kept unwrapped', ...ofHost })
  const unwrapping = new Gauge({ name: 'warder_hsm_unwrapping', help: 'Unwraps of sealed keys under way', ...ofHost })
  const hits = new Counter({ name: 'warder_hsm_cache_hits_total', help: 'Uses of keys kept unwrapped', ...ofHost })
  const misses = new Counter({ name: 'warder_hsm_cache_misses_total', help: 'Keys unwrapped to be used', ...ofHost })
  const evictions = new Counter({
    name: 'warder_hsm_cache_evictions_total',
    help: 'Unwrapped keys put out to make room',
    ...ofHost,
  })
  const aside = new Gauge({
    name: 'warder_hsm_host_set_aside',
    help: '1 while a host is connected and given no calls, because its token is gone',
    ...ofHost,
  })
  const usable = new Gauge({
    name: 'warder_hsm_token_usable',
    help: 'Of several tokens that share root keys: 1 while a host can be used of it, 0 while none can',
    labelNames: ['token', 'serial'],
    registers,
  })
  const waitingCalls = new Gauge({
    name: 'warder_hsm_waiting_calls',
    help: 'Calls that wait for their turn with an HSM host',
    registers,
  })
  const all = [sessions, entries, unwrapping, hits, misses, evictions, aside, usable]
  const turns = new Histogram({
    name: 'warder_hsm_wait_seconds',
    help: 'How long calls waited for their turn with an HSM host, of those that had to',
    labelNames: ['host'],
    buckets,
    registers,
  })
  hsm.onTurn((host, waitedMs) => turns.observe({ host: String(host) }, waitedMs / 1000))

  return async () => {
    waitingCalls.set(hsm.waiting)
    const found = await hsm.hostFigures({ signal: AbortSignal.timeout(patienceMs) })
    for (const each of all) each.reset()
    hsm.tokenStates.forEach((state, index) => {
      usable.set({ token: String(index + 1), serial: state.serial ?? '' }, state.usable ? 1 : 0)
    })
    for (const index of hsm.setAside) aside.set({ host: String(index) }, 1)
    for (const { host: index, figures } of found) {
      const host = String(index)
      const { open, inUse, waiting } = figures.sessions
      for (const [state, count] of Object.entries({ open, in_use: inUse, waiting }))
        sessions.set({ host, state }, count)
      entries.set({ host }, figures.cache.entries)
      unwrapping.set({ host }, figures.cache.unwrapping)
      hits.inc({ host }, figures.cache.hits)
      misses.inc({ host }, figures.cache.misses)
      evictions.inc({ host }, figures.cache.evictions)
    }
  }
}
