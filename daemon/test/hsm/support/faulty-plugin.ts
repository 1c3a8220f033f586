import { appendFileSync } from 'node:fs'
import {
  contractMajor,
  WarderError,
  type HsmPlugin,
  type KeyRef,
  type Op,
  type SignatureAlgorithm,
  type WarderCode,
} from '@warder/contract'
import { MemoryProvider } from './memory-provider.ts'

/** TEST ONLY. Signing with these resident keys does not sign. */
export const faults = {
  /** The event loop stops for good, as in a module that waits for a dead token. */
  hang: 'dead0000000000000000000000000001',
  /** The process is gone in the middle of the call. */
  crash: 'dead0000000000000000000000000002',
  /** Never answers, until it is cancelled. */
  queued: 'dead0000000000000000000000000003',
} as const

export interface FaultyConfig {
  /** A line is appended at each opening. */
  readonly starts: string
  /** Refuse to open, with this code. */
  readonly refuse?: WarderCode
  /** Wants this secret of the operator's, and refuses any other as a PIN. */
  readonly wants?: string
  readonly pin?: { readonly operator: true }
  /** Never ends opening. */
  readonly neverOpens?: boolean
}

class FaultyProvider extends MemoryProvider {
  override sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    const id = ref.custody === 'resident' ? ref.id : ''
    if (id === faults.crash) process.kill(process.pid, 'SIGKILL')
    while (id === faults.hang);
    if (id === faults.queued) return this.whenAborted(op)
    return super.sign(ref, algorithm, input, op)
  }
}

export const plugin: HsmPlugin<FaultyConfig> = {
  kind: 'hsm',
  name: 'faulty',
  version: '0.0.0',
  contract: contractMajor,
  supports: { resident: true, sealed: true, shared: true },
  config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: value as FaultyConfig }) } },
  open: async ({ starts, refuse, wants, neverOpens = false }, host, op) => {
    appendFileSync(starts, `${process.pid}\n`)
    if (neverOpens) await new Promise(() => {})
    if (wants !== undefined) {
      const given = await host.secret?.({ operator: true }, op)
      if (Buffer.from(given ?? []).toString() !== wants) throw new WarderError('pin-refused', 'Not that PIN')
    }
    if (refuse !== undefined) throw new WarderError(refuse, 'Refused, as the test asked for')
    return new FaultyProvider()
  },
}
