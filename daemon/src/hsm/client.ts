import {
  WarderError,
  type Ciphertext,
  type GeneratedKey,
  type Health,
  type KeyProvider,
  type KeyRef,
  type KeySpec,
  type OaepAlgorithm,
  type Op,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type SignatureAlgorithm,
  type TokenCapabilities,
  type WrappedImport,
} from '@warder/contract'
import { commands, type ArgsOf, type CommandName, type ResultOf } from './commands.ts'
import { cancelled, HostConnection, type Answered, type ConnectionEvents } from './host-connection.ts'
import { route } from './routing.ts'
import type { SocketSharing } from './run-directory.ts'
import { readStatus } from './status.ts'
import { explain, unavailable } from './unavailable.ts'

/** How long calls wait for a connection after the last one was lost. From then on they are refused at once. */
const graceMs = 1000

export interface ConnectOptions {
  /** The supervisor's run directory. */
  readonly runDir: string
  /** When the hosts run as another user. */
  readonly sharing?: SocketSharing | undefined
  /** How many hosts the supervisor runs. */
  readonly hosts: number
  /** How long a call may take; generating, importing and what else takes long have bounds of their own. Default 5000. */
  readonly timeoutMs?: number
  /** Calls not yet answered, over all hosts; what is beyond is refused with `over-capacity`. Default 4096. */
  readonly maxInFlight?: number
  /** Told of every answer, for metrics. */
  readonly onAnswer?: (answered: Answered) => void
  /** Asked as each call is sent to a host, in its caller's context; what it returns is told of the answer. */
  readonly onCall?: ConnectionEvents['onCall']
}

/**
 * The HSM as the API process has it: every call goes over a socket to a host process. No call is ever repeated; one whose
 * host is lost rejects with `hsm-unavailable` and the fact `outcome: unknown`, while facts `outcome: not-started` say
 * that the HSM has done nothing.
 */
export interface HsmClient extends KeyProvider {
  /** Resolves when a host is connected. @throws WarderError `hsm-unavailable` when an operator has to mend something first. */
  ready(op: Op): Promise<void>

  /** Of one host: copies are kept where all see them. @throws WarderError `unsupported-mechanism` when the plugin has none. */
  rootKeyBackup(op: Op): Promise<RootKeyBackup>
}

/** Begins to connect and returns at once. Disposing it ends its calls with `hsm-unavailable`. */
export function connectHsm(options: ConnectOptions): HsmClient {
  return new ChannelClient(options)
}

class ChannelClient implements HsmClient {
  readonly #runDir: string
  readonly #timeoutMs: number
  readonly #maxInFlight: number
  readonly #hosts: readonly HostConnection[]
  readonly #wakers = new Set<() => void>()
  #downSince = performance.now()
  #disposed = false

  constructor({ runDir, sharing, hosts, timeoutMs = 5000, maxInFlight = 4096, onAnswer, onCall }: ConnectOptions) {
    this.#runDir = runDir
    this.#timeoutMs = timeoutMs
    this.#maxInFlight = maxInFlight
    const events = {
      onUp: () => this.#wake(),
      onDown: () => {
        if (!this.#hosts.some(host => host.connected)) this.#downSince = performance.now()
      },
      onAnswer,
      onCall,
    }
    this.#hosts = Array.from({ length: hosts }, (_, index) => new HostConnection(runDir, index, events, sharing))
  }

  capabilities(op: Op): Promise<TokenCapabilities> {
    return this.#call('capabilities', {}, op)
  }

  generate(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    return this.#call('generate', { spec }, op)
  }

  locate(ref: ResidentRef, op: Op): Promise<Omit<GeneratedKey, 'ref'> | undefined> {
    return this.#call('locate', { ref }, op)
  }

  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('sign', { ref, algorithm, input }, op, blobOf(ref))
  }

  async signAll(
    ref: KeyRef,
    algorithm: SignatureAlgorithm,
    inputs: readonly Uint8Array[],
    op: Op,
  ): Promise<readonly Uint8Array[]> {
    const signatures = await this.#call('signAll', { ref, algorithm, inputs }, op, blobOf(ref))
    if (signatures.length === inputs.length) return signatures
    throw new WarderError('hsm-failed', 'The HSM host answered in no known form')
  }

  encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed> {
    return this.#call('encrypt', { ref, plaintext, aad }, op, blobOf(ref))
  }

  decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array> {
    return this.#call('decrypt', { ref, input }, op, blobOf(ref))
  }

  mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('mac', { ref, bytes: data }, op, blobOf(ref))
  }

  wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('wrap', { ref, bytes }, op, blobOf(ref))
  }

  unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('unwrap', { ref, bytes: wrapped }, op, blobOf(ref))
  }

  derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('derive', { ref, bytes: peer }, op, blobOf(ref))
  }

  random(length: number, op: Op): Promise<Uint8Array> {
    return this.#call('random', { length }, op)
  }

  importKey(request: WrappedImport, op: Op): Promise<GeneratedKey> {
    return this.#call('importKey', { request }, op, request.under.blob)
  }

  exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array> {
    return this.#call('exportKey', { ref, recipient, oaep }, op)
  }

  /** Asks every host: each learns so of what another has made. */
  async newestRootKey(op: Op): Promise<number> {
    const timeoutMs = commands.newestRootKey.timeoutMs ?? this.#timeoutMs
    const asked = this.#hosts
      .filter(host => host.connected)
      .map(host => host.call('newestRootKey', {}, { signal: op.signal, timeoutMs }))
    const numbers = (await Promise.allSettled(asked)).flatMap(each => (each.status === 'fulfilled' ? each.value : []))
    // with no answer at all, one more call says why, or waits for a host that is just connecting
    return numbers.length > 0 ? Math.max(...numbers) : this.#call('newestRootKey', {}, op)
  }

  /** Resolves when the other hosts know of it too, as far as they answer. */
  async createRootKey(op: Op): Promise<number> {
    const number = await this.#call('createRootKey', {}, op)
    // made it is, whether or not they could be told; they also find it by themselves
    await this.newestRootKey(op).catch(() => undefined)
    return number
  }

  rootKeyBackup(op: Op): Promise<RootKeyBackup> {
    return this.#call('rootKeyBackup', {}, op)
  }

  rewrap(ref: SealedRef, op: Op): Promise<SealedRef> {
    return this.#call('rewrap', { ref }, op)
  }

  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('sealStoreSecret', { secret }, op)
  }

  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('openStoreSecret', { sealed }, op)
  }

  destroy(ref: ResidentRef, op: Op): Promise<void> {
    return this.#call('destroy', { ref }, op)
  }

  /** Well while one host is; never rejects. */
  async health(op: Op): Promise<Health> {
    const connected = this.#hosts.filter(host => host.connected)
    const of = `${connected.length} of ${this.#hosts.length} HSM hosts connected`
    if (connected.length === 0) {
      const { detail } = explain(await readStatus(this.#runDir))
      return { ok: false, detail: `${of}: ${detail}` }
    }
    const found = await Promise.all(connected.map(host => healthOf(host, op)))
    const worst = found.find(health => !health.ok) ?? found[0]!
    return { ok: found.some(health => health.ok), detail: `${of}: ${worst.detail}` }
  }

  async ready({ signal }: Op): Promise<void> {
    while (!this.#hosts.some(host => host.connected)) {
      if (this.#disposed) throw disposed()
      if (signal.aborted) throw cancelled()
      const why = explain(await readStatus(this.#runDir))
      if (why.final) throw unavailable(why)
      // a refusal is told by the status file alone, so it is looked at again now and then
      await this.#connectedWithin(250, signal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    for (const host of this.#hosts) host.close()
    this.#wake()
  }

  #call<Name extends CommandName>(
    name: Name,
    args: ArgsOf<Name>,
    { signal }: Op,
    blob?: Uint8Array,
  ): Promise<ResultOf<Name>> {
    const timeoutMs = commands[name].timeoutMs ?? this.#timeoutMs
    const began = performance.now()
    const attempt = (): Promise<ResultOf<Name>> | undefined => {
      if (this.#disposed) return Promise.reject(disposed())
      if (signal.aborted) return Promise.reject(cancelled())
      const connected = this.#hosts.filter(host => host.connected)
      if (connected.length === 0) return undefined
      const host = route(
        connected.filter(one => !one.full),
        blob,
      )
      if (host === undefined || this.#inFlight() >= this.#maxInFlight) return Promise.reject(overCapacity())
      const left = Math.max(1, Math.round(timeoutMs - (performance.now() - began)))
      return host.call(name, args, { signal, timeoutMs: left })
    }
    return attempt() ?? this.#whenConnected(signal, attempt)
  }

  async #whenConnected<T>(signal: AbortSignal, attempt: () => Promise<T> | undefined): Promise<T> {
    if (this.#wakers.size >= this.#maxInFlight) throw overCapacity()
    const grace = this.#downSince + graceMs - performance.now()
    if (grace > 0) {
      const why = explain(await readStatus(this.#runDir))
      if (why.final) throw unavailable(why)
      await this.#connectedWithin(grace, signal)
    }
    return attempt() ?? Promise.reject(unavailable(explain(await readStatus(this.#runDir))))
  }

  /** Resolves when a host connects, the time is over, the signal aborts or this is disposed: whichever is first. */
  #connectedWithin(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#wakers.delete(wake)
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal.addEventListener('abort', wake, { once: true })
      this.#wakers.add(wake)
      // it may have happened before we listened
      if (this.#disposed || signal.aborted || this.#hosts.some(host => host.connected)) wake()
    })
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }

  #inFlight(): number {
    let sum = 0
    for (const host of this.#hosts) sum += host.load
    return sum
  }
}

/** A sealed key's, for the host that has it unwrapped. */
function blobOf(ref: KeyRef): Uint8Array | undefined {
  return ref.custody === 'sealed' ? ref.blob : undefined
}

async function healthOf(host: HostConnection, { signal }: Op): Promise<Health> {
  try {
    return await host.call('health', {}, { signal, timeoutMs: commands.health.timeoutMs ?? 2000 })
  } catch (error) {
    return { ok: false, detail: WarderError.is(error) ? error.message : 'the HSM host failed' }
  }
}

function overCapacity(): WarderError {
  return new WarderError('over-capacity', 'Too many calls to the HSM are in flight', {
    facts: { outcome: 'not-started' },
  })
}

function disposed(): WarderError {
  return new WarderError('hsm-unavailable', 'The connection to the HSM was closed', {
    facts: { reason: 'closed', outcome: 'not-started' },
  })
}
