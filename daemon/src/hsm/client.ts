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
  type ProviderFigures,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type SignatureAlgorithm,
  type TokenCapabilities,
  type WrappedImport,
} from '@warder/contract'
import { type Answered, type CallRequest, cancelled, HsmCall } from './call.ts'
import { algorithmIn, custodyIn, itemsIn, main, needOf, newest, newIdIn } from './call-traits.ts'
import { commands, type ArgsOf, type CommandName, type ResultOf } from './commands.ts'
import { changesKeys, changesToken, costOf } from './cost.ts'
import { Dispatcher, disposed, type DispatcherLimits } from './dispatcher.ts'
import { HostConnection } from './host-connection.ts'
import type { Need } from './known-tokens.ts'
import type { SocketSharing } from './run-directory.ts'
import { joinBackups } from './join-backups.ts'
import { readStatus } from './status.ts'
import { explain, unavailable } from './unavailable.ts'

export interface HostFigures {
  readonly host: number
  readonly figures: ProviderFigures
}

export interface ConnectOptions {
  /** The supervisor's run directory. */
  readonly runDir: string
  /** When the hosts run as another user. */
  readonly sharing?: SocketSharing | undefined
  /** How many hosts the supervisor runs, for all tokens together. */
  readonly hosts: number
  /** How many tokens share the root keys. Default 1. */
  readonly tokens?: number
  /** How long a call may take; generating, importing and what else takes long have bounds of their own. Default 5000. */
  readonly timeoutMs?: number
  /** How much is with the hosts at once, and how much may wait for them. */
  readonly limits?: Partial<DispatcherLimits>
  /** Told of every answer, for metrics. */
  readonly onAnswer?: (answered: Answered) => void
  /** Asked as each call begins, in its caller's context; what it returns is told of the answer. */
  readonly onCall?: (() => ((answered: Answered) => void) | undefined) | undefined
}

/**
 * The HSM as the API process has it: every call goes over a socket to a host process, in turns with other tenants' when
 * there are more than the hosts can take ({@link Op.tenant}). No call is ever repeated; one whose host is lost after it was
 * sent rejects with `hsm-unavailable` and the fact `outcome: unknown`, while facts `outcome: not-started` say that the HSM has
 * done nothing.
 */
export interface HsmClient extends KeyProvider {
  /** Resolves when a host is connected. @throws WarderError `hsm-unavailable` when an operator has to mend something first. */
  ready(op: Op): Promise<void>

  /** Calls that wait for their turn, or for a host. */
  readonly waiting: number

  /** How many tokens share the root keys. */
  readonly tokens: number

  /** Of several tokens: whether a host can be used of each, in the order of the configuration. None where there is one. */
  readonly tokenStates: readonly { readonly serial: string | undefined; readonly usable: boolean }[]

  /** The serial numbers of the tokens that can be used now, the main one first. */
  tokensInReach(op: Op): Promise<readonly string[]>

  /** As {@link KeyProvider.sealStoreSecret}, by the token of this serial number. */
  sealStoreSecretBy(serial: string, secret: Uint8Array, op: Op): Promise<Uint8Array>

  /** As {@link KeyProvider.openStoreSecret}, by the token of this serial number. */
  openStoreSecretBy(serial: string, sealed: Uint8Array, op: Op): Promise<Uint8Array>

  /** Hosts that are connected and given no calls, because their token is gone. */
  readonly setAside: readonly number[]

  /** Tells `listener` of each call that had to wait for its turn: the host that got it, and for how long. One listener. */
  onTurn(listener: (host: number, waitedMs: number) => void): void

  /** Of each host that answers: its index, and what it counts. */
  hostFigures(op: Op): Promise<readonly HostFigures[]>

  /** Of one host: copies are kept where all see them. @throws WarderError `unsupported-mechanism` when the plugin has none. */
  rootKeyBackup(op: Op): Promise<RootKeyBackup>
}

const usualLimits: DispatcherLimits = { window: 64, changing: 2, waiting: 4096, waitingOfTenant: 1024 }

/** Begins to connect and returns at once. Disposing it ends its calls with `hsm-unavailable`. */
export function connectHsm(options: ConnectOptions): HsmClient {
  return new ChannelClient(options)
}

class ChannelClient implements HsmClient {
  readonly #runDir: string
  readonly #timeoutMs: number
  readonly #onCall: ConnectOptions['onCall']
  readonly #hosts: readonly HostConnection[]
  readonly #dispatcher: Dispatcher
  readonly tokens: number

  constructor({ runDir, sharing, hosts, tokens = 1, timeoutMs = 5000, limits, onAnswer, onCall }: ConnectOptions) {
    this.#runDir = runDir
    this.tokens = tokens
    this.#timeoutMs = timeoutMs
    this.#onCall = onCall
    const dispatcher = new Dispatcher(runDir, { ...usualLimits, ...limits }, tokens)
    const { onUp, onDown, onFree, onReturned, onToken } = dispatcher
    const events = { onUp, onDown, onFree, onReturned, onAnswer, ...(tokens > 1 && { onToken }) }
    this.#hosts = Array.from({ length: hosts }, (_, index) => new HostConnection(runDir, index, events, sharing))
    this.#dispatcher = dispatcher
    dispatcher.attach(this.#hosts)
  }

  get waiting(): number {
    return this.#dispatcher.waiting
  }

  get setAside(): readonly number[] {
    return this.#hosts.filter(host => host.setAside).map(host => host.index)
  }

  capabilities(op: Op): Promise<TokenCapabilities> {
    return this.#call('capabilities', {}, op)
  }

  generate(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    return this.#call('generate', { spec }, op, undefined, spec.custody === 'sealed' ? newest : undefined)
  }

  locate(ref: ResidentRef, op: Op): Promise<Omit<GeneratedKey, 'ref'> | undefined> {
    return this.#call('locate', { ref }, op, ref)
  }

  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('sign', { ref, algorithm, input }, op, ref)
  }

  async signAll(
    ref: KeyRef,
    algorithm: SignatureAlgorithm,
    inputs: readonly Uint8Array[],
    op: Op,
  ): Promise<readonly Uint8Array[]> {
    const signatures = await this.#call('signAll', { ref, algorithm, inputs }, op, ref)
    if (signatures.length === inputs.length) return signatures
    throw new WarderError('hsm-failed', 'The HSM host answered in no known form')
  }

  encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed> {
    return this.#call('encrypt', { ref, plaintext, aad }, op, ref)
  }

  decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array> {
    return this.#call('decrypt', { ref, input }, op, ref)
  }

  mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('mac', { ref, bytes: data }, op, ref)
  }

  wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('wrap', { ref, bytes }, op, ref)
  }

  unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('unwrap', { ref, bytes: wrapped }, op, ref)
  }

  derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('derive', { ref, bytes: peer }, op, ref)
  }

  random(length: number, op: Op): Promise<Uint8Array> {
    return this.#call('random', { length }, op)
  }

  importKey(request: WrappedImport, op: Op): Promise<GeneratedKey> {
    return this.#call('importKey', { request }, op, request.under, { of: 'newest', rootKey: request.under.rootKey })
  }

  exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array> {
    return this.#call('exportKey', { ref, recipient, oaep }, op, ref)
  }

  /** Asks every host: each learns so of what another has made. */
  async newestRootKey(op: Op): Promise<number> {
    const asked = this.#hosts.filter(host => host.reachable).map(host => this.#ask(host, 'newestRootKey', {}, op))
    const numbers = (await Promise.allSettled(asked)).flatMap(each => (each.status === 'fulfilled' ? each.value : []))
    // with no answer at all, one more call says why, or waits for a host that is just connecting
    return numbers.length > 0 ? Math.max(...numbers) : this.#call('newestRootKey', {}, op)
  }

  /** Resolves when the other hosts know of it too, as far as they answer. */
  async createRootKey(op: Op): Promise<number> {
    const number = await this.#call('createRootKey', {}, op, undefined, newest)
    // made it is, whether or not they could be told; they also find it by themselves
    await this.newestRootKey(op).catch(() => undefined)
    if (this.tokens > 1) await this.#askTokens()
    return number
  }

  get tokenStates(): ReturnType<Dispatcher['tokenStates']> {
    return this.tokens === 1 ? [] : this.#dispatcher.tokenStates()
  }

  async tokensInReach(op: Op): Promise<readonly string[]> {
    if (this.tokens === 1) return [(await this.capabilities(op)).token.serial]
    return this.tokenStates.flatMap(({ serial, usable }) => (usable && serial !== undefined ? [serial] : []))
  }

  sealStoreSecretBy(serial: string, secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('sealStoreSecret', { secret }, op, undefined, { of: 'token', serial })
  }

  openStoreSecretBy(serial: string, sealed: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('openStoreSecret', { sealed }, op, undefined, { of: 'token', serial })
  }

  async #askTokens(): Promise<void> {
    await Promise.all(this.#hosts.filter(host => host.reachable).map(host => host.askToken()))
  }

  /** Of several tokens what all of them together have: one that joined later lacks the older root keys. */
  async rootKeyBackup(op: Op): Promise<RootKeyBackup> {
    const serials = await this.tokensInReach(op)
    if (this.tokens === 1 || serials.length === 0) return this.#call('rootKeyBackup', {}, op)
    const each = serials.map(serial => this.#call('rootKeyBackup', {}, op, undefined, { of: 'token', serial }))
    return joinBackups(await Promise.all(each), this.#dispatcher.tokens.rootKeys)
  }

  rewrap(ref: SealedRef, op: Op): Promise<SealedRef> {
    return this.#call('rewrap', { ref }, op, ref, { of: 'newest', rootKey: ref.rootKey })
  }

  /** Asks every host, out of turn, and waits a second at most. @throws what one of them failed with, when all were asked. */
  async forget(ref: SealedRef, op: Op): Promise<void> {
    const asked = this.#hosts.filter(host => host.reachable).map(host => this.#ask(host, 'forget', { ref }, op))
    const failed = (await Promise.allSettled(asked)).find(each => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  onTurn(listener: (host: number, waitedMs: number) => void): void {
    this.#dispatcher.onTurn = listener
  }

  async hostFigures(op: Op): Promise<readonly HostFigures[]> {
    const asked = this.#hosts
      .filter(host => host.reachable)
      .map(async host => ({ host: host.index, figures: await this.#ask(host, 'figures', {}, op) }))
    const answers = (await Promise.allSettled(asked)).flatMap(each => (each.status === 'fulfilled' ? each.value : []))
    return answers.flatMap(({ host, figures }) => (figures === undefined ? [] : { host, figures }))
  }

  /** By the main token. */
  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('sealStoreSecret', { secret }, op, undefined, main)
  }

  /** By the main token. */
  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#call('openStoreSecret', { sealed }, op, undefined, main)
  }

  destroy(ref: ResidentRef, op: Op): Promise<void> {
    return this.#call('destroy', { ref }, op, ref)
  }

  /** Well while one host is; never rejects. */
  async health(op: Op): Promise<Health> {
    const connected = this.#hosts.filter(host => host.reachable)
    const aside = this.setAside.length === 0 ? '' : `, ${this.setAside.length} set aside`
    const of = `${connected.length} of ${this.#hosts.length} HSM hosts connected${aside}${this.#tokensAway()}`
    if (connected.length === 0) {
      const { detail } = explain(await readStatus(this.#runDir))
      return { ok: false, detail: `${of}: ${detail}` }
    }
    const found = await Promise.all(connected.map(host => this.#healthOf(host, op)))
    const worst = found.find(health => !health.ok) ?? found[0]!
    return { ok: found.some(health => health.ok), detail: `${of}: ${worst.detail}` }
  }

  async ready({ signal }: Op): Promise<void> {
    while (!this.#hosts.some(host => host.usable)) {
      if (this.#dispatcher.disposed) throw disposed()
      if (signal.aborted) throw cancelled('not-started')
      const why = explain(await readStatus(this.#runDir))
      if (why.final) throw unavailable(why)
      // a refusal is told by the status file alone, so it is looked at again now and then
      await this.#dispatcher.usableWithin(250, signal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispatcher.dispose()
    for (const host of this.#hosts) host.close()
  }

  /** `need`: of the token, where it is not that it has `key`. */
  #call<Name extends CommandName>(
    name: Name,
    args: ArgsOf<Name>,
    op: Op,
    key?: KeyRef,
    need?: Need,
  ): Promise<ResultOf<Name>> {
    return this.#begin(name, args, op, key, undefined, this.tokens === 1 ? undefined : (need ?? needOf(key)))
  }

  /** Asks this host, out of turn. */
  #ask<Name extends CommandName>(
    host: HostConnection,
    name: Name,
    args: ArgsOf<Name>,
    op: Op,
  ): Promise<ResultOf<Name>> {
    return this.#begin(name, args, op, undefined, host)
  }

  #begin<Name extends CommandName>(
    name: Name,
    args: ArgsOf<Name>,
    { signal, tenant = '' }: Op,
    key: KeyRef | undefined,
    host: HostConnection | undefined,
    need?: Need,
  ): Promise<ResultOf<Name>> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw cancelled('not-started')
      const request: CallRequest = {
        op: name,
        args,
        blob: key?.custody === 'sealed' ? key.blob : this.tokens > 1 ? newIdIn(args) : undefined,
        need,
        tenant,
        cost: costOf(name, key?.algorithm ?? algorithmIn(args)) * itemsIn(args),
        changesKeys: changesKeys(name),
        changesToken: changesToken(name, custodyIn(args)),
        pinned: host !== undefined,
        timeoutMs: commands[name].timeoutMs ?? this.#timeoutMs,
        signal,
        onAnswer: this.#onCall?.(),
      }
      const call = new HsmCall(request, resolve as (result: unknown) => void, reject)
      if (host === undefined) this.#dispatcher.submit(call)
      else host.send(call)
    })
  }

  /** Of several tokens: those that no host can be used of. */
  #tokensAway(): string {
    return this.tokenStates
      .map(({ serial = 'not seen yet', usable }, index) =>
        usable ? '' : `, token ${index + 1} of ${this.tokens} (${serial}) cannot be used`,
      )
      .join('')
  }

  async #healthOf(host: HostConnection, { signal }: Op): Promise<Health> {
    try {
      return await this.#ask(host, 'health', {}, { signal })
    } catch (error) {
      return { ok: false, detail: WarderError.is(error) ? error.message : 'the HSM host failed' }
    }
  }
}
