import type { HsmPlugin, KeyProvider, Op, PluginHost } from '@warder/contract'
import { WarderError } from '@warder/contract'
import pkcs11js from 'pkcs11js'
import { Canary } from './canary.ts'
import { Capabilities } from './capabilities.ts'
import { ceremony } from './ceremony.ts'
import { toWarderError } from './ckr.ts'
import { ConfigSchema, type Config } from './config.ts'
import { Copies } from './copies.ts'
import type { Cryptoki } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import { cancelled } from './gate.ts'
import { inspect } from './inspect.ts'
import { Keeper } from './keeper.ts'
import { loadModule, type LoadedModule } from './load-module.ts'
import { login } from './login.ts'
import { OaepProbe } from './oaep.ts'
import { Peers } from './peers.ts'
import { probeWrapping, readMechanisms } from './probe.ts'
import { wrapsBytes } from './probe-bytes.ts'
import { Pkcs11Provider, type Parts } from './provider.ts'
import { provision, restore } from './provisioning.ts'
import { readRecipient } from './recipient.ts'
import { operatorOf } from './read-pin.ts'
import { ResidentKeys } from './resident-keys.ts'
import { reaches } from './reaches.ts'
import { findRootKeys } from './root-keys.ts'
import { SealedKeys } from './sealed-keys.ts'
import { readWrite, SessionPool } from './session-pool.ts'
import { selfTest } from './self-test/run.ts'
import { createSoftHsmToken } from './softhsm.ts'
import { passingCarrier } from './templates.ts'
import { WrappingKeys } from './wrapping-keys.ts'

/**
 * A PKCS#11 token. To be opened in a process of its own: a module may block the thread, crash, and keeps its login for the
 * whole process. Processes that share a token are to be opened one after another.
 */
export const plugin: HsmPlugin<Config> = {
  kind: 'hsm',
  name: 'pkcs11',
  version: '0.1.0',
  contract: 1,
  supports: { resident: true, sealed: true, shared: true },
  config: ConfigSchema,
  ceremony,
  open,
  createDevelopmentToken: directory => createSoftHsmToken(directory),
  inspect,
  provision,
  reaches,
  restore,
  selfTest,
}

async function open(config: Config, host: PluginHost, op: Op, others: readonly Config[] = []): Promise<KeyProvider> {
  const recipient = await readRecipient(config.backupRecipient)
  const peers = await Peers.of(others, operatorOf(host, op))
  let module: LoadedModule | undefined
  try {
    module = loadModule(config)
    const parts = await assemble(module.lib, config, host, op, peers !== undefined)
    return new Pkcs11Provider({ ...parts, recipient, peers, closeModule: module.close })
  } catch (error) {
    peers?.erase()
    // C_Finalize ends the sessions and the login, and nothing asynchronous is under way
    module?.close()
    throw toWarderError(error)
  }
}

async function assemble(
  lib: Cryptoki,
  config: Config,
  host: PluginHost,
  op: Op,
  hasPeers: boolean,
): Promise<Omit<Parts, 'closeModule' | 'recipient' | 'peers'>> {
  const token = findToken(lib, config.token)
  if ((token.flags & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0) {
    throw new WarderError('not-initialised', 'the token has no user PIN yet', { facts: { serial: token.serial } })
  }
  const mechanisms = readMechanisms(lib, token.slot)
  const session = lib.C_OpenSession(token.slot, readWrite)
  throwIfAborted(op)
  await login(lib, session, token, config, () => host.now(), operatorOf(host, op))
  throwIfAborted(op)
  const keeper = new Keeper(lib, session)
  // one session of the token's limit is the keeper's
  const pool = new SessionPool(lib, token.slot, Math.max(1, Math.min(config.sessions.max, token.maxSessions - 1)))
  const wrappers = new WrappingKeys(lib, session, { mayBeNone: hasPeers })
  const { store: stores } = findRootKeys(lib, session, ['store'])
  const witness = stores.newest('store')
  // what can be wrapped is asked before the token has joined the others too
  const kek =
    wrappers.generations.length > 0
      ? wrappers.newestFor({ usage: 'sign', exportable: false })
      : { number: 0, handle: lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, passingCarrier) }
  const { wrappable, canary: known } = await probeWrapping(lib, pool, kek, mechanisms, op)
  const canary = new Canary({ lib, pool, keeper }, witness.handle, kek.handle, known)
  const residents = new ResidentKeys(lib, token.serial)
  const count = residents.enumerate(session)
  throwIfAborted(op)
  const alive = (): Promise<boolean> => canary.alive()
  host.log.info('token opened', { label: token.label, serial: token.serial, residentKeys: count })
  return {
    lib,
    pool,
    keeper,
    canary,
    mechanisms,
    capabilities: new Capabilities(token, mechanisms, wrappable, await wrapsBytes(lib, pool, mechanisms, op)),
    oaep: new OaepProbe(lib, pool, keeper, mechanisms),
    wrappers,
    stores,
    copies: new Copies(lib, config.stateDir),
    residents,
    sealed: new SealedKeys({ lib, keeper, pool, wrappers, mechanisms, alive }, config.cache),
  }
}

function throwIfAborted(op: Op): void {
  if (op.signal.aborted) throw cancelled(op.signal)
}
