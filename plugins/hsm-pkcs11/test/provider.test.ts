import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import type { ResidentRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { inspect } from '../src/inspect.ts'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { withRawToken } from './raw-token.ts'
import {
  expectSigns,
  host,
  inputFor,
  isValid,
  op,
  refusal,
  removeDirectory,
  residentKey,
  sealedKey,
  spied,
  temporaryDirectory,
  withProvider,
  specOf,
  spkiOf,
} from './support.ts'

describe('the provider', function () {
  this.timeout(60_000)
  let directory: string
  let config: Config

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(join(directory, 'token'))
  })
  afterEach(() => removeDirectory(directory))

  it('closes after what is under way, refuses what comes then, and closing twice is closing once', async () => {
    const provider = await plugin.open(config, host, op)
    const key = await provider.generate(specOf({ algorithm: 'RSA-4096' }), op)
    const message = Buffer.from('under way')
    const signing = Array.from({ length: 40 }, () =>
      provider.sign(key.ref, 'PS512', inputFor('PS512', message), { signal: new AbortController().signal }),
    )
    const making = provider.generate(specOf({ algorithm: 'RSA-2048', custody: 'resident' }), op)
    const closing = [provider[Symbol.asyncDispose](), provider[Symbol.asyncDispose]()]
    expect((await refusal(provider.random(1, op))).code).to.equal('hsm-unavailable')
    for (const signature of await Promise.all(signing)) {
      expect(isValid(spkiOf(key), 'PS512', message, signature)).to.equal(true)
    }
    const { ref } = await making
    await Promise.all(closing)
    await provider[Symbol.asyncDispose]()
    expect((await provider.health(op)).ok).to.equal(false)
    // the module is finalised: it opens again in this process
    await withProvider(config, async again => {
      expect(await again.locate(ref as ResidentRef, op)).not.to.equal(undefined)
    })
  })

  it('opens and closes many times in one process', async () => {
    for (let time = 0; time < 20; time++) await withProvider(config, residentKey)
  })

  it('does not open a module twice in one process', async () => {
    await withProvider(config, async provider => {
      expect((await refusal(plugin.open(config, host, op))).code).to.equal('plugin-failed')
      await expectSigns(provider, await sealedKey(provider))
    })
  })

  it('leaves nothing open when opening is cancelled or fails', async () => {
    expect((await refusal(plugin.open(config, host, { signal: AbortSignal.abort() }))).code).to.equal('cancelled')
    const missing = { ...config, token: { label: 'no such' } }
    const error = await refusal(plugin.open(missing, host, op))
    expect([error.code, error.facts]).to.deep.equal(['hsm-unavailable', { field: 'token', label: 'no such' }])
    const notAModule = { ...config, module: '/usr/lib/os-release' }
    expect((await refusal(plugin.open(notAModule, host, op))).facts).to.deep.equal({ field: 'module' })
    await withProvider(config, async provider => expectSigns(provider, await sealedKey(provider)))
  })

  it('never logs out and never closes all sessions, whatever fails, and leaves none behind', async () => {
    const spy = spied(config, directory)
    await withProvider(spy.config, async provider => {
      const key = await sealedKey(provider)
      await refusal(provider.openStoreSecret(new Uint8Array(65), op))
      await refusal(provider.generate(specOf({ algorithm: 'Ed25519' }), op))
      await Promise.all(Array.from({ length: 100 }, () => expectSigns(provider, key)))
    })
    expect(await spy.calls('C_Logout')).to.equal(0)
    expect(await spy.calls('C_CloseAllSessions')).to.equal(0)
    expect(await spy.calls('C_Login')).to.equal(1)
    expect(await spy.calls('C_OpenSession')).to.be.within(2, 1 + 32 + 3)
    expect(await spy.calls('C_CloseSession')).to.equal(await spy.calls('C_OpenSession'))
  })

  it('says that it is broken once the login is lost, and does not log in again by itself', async () => {
    await withProvider(config, async provider => {
      const [sealed, resident] = [await sealedKey(provider), await residentKey(provider)]
      await expectSigns(provider, sealed)
      await withRawToken(config, (lib, session) => lib.C_Logout(session), 'an open provider')
      for (const { ref } of [resident, sealed]) {
        expect((await refusal(provider.sign(ref, 'ES256', Buffer.alloc(32), op))).code).to.equal('hsm-unavailable')
      }
      expect((await refusal(provider.locate(resident.ref, op))).code).to.equal('hsm-unavailable')
      expect((await provider.health(op)).ok).to.equal(false)
    })
    await withProvider(config, async provider => expect((await provider.health(op)).ok).to.equal(true))
  })

  it('health finds a lost login before any caller does', async () => {
    await withProvider(config, async provider => {
      await withRawToken(config, (lib, session) => lib.C_Logout(session), 'an open provider')
      expect((await provider.health(op)).ok).to.equal(false)
    })
  })

  it('says that it is broken once its sessions are closed under it', async () => {
    await withProvider(config, async provider => {
      const key = await residentKey(provider)
      await withRawToken(
        config,
        lib => {
          for (const slot of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(slot)
          // so that there is one to close
          lib.C_OpenSession(lib.C_GetSlotList(true)[0] as Buffer, pkcs11js.CKF_SERIAL_SESSION)
        },
        'an open provider',
      ).catch(() => undefined)
      const error = await refusal(provider.sign(key.ref, 'ES256', Buffer.alloc(32), op))
      expect(error.code).to.equal('hsm-unavailable')
      expect((await provider.health(op)).ok).to.equal(false)
    })
  })

  it('lesson: a token that has gone is not one without keys', async () => {
    const tokens = join(directory, 'token', 'tokens')
    await withProvider(config, async provider => {
      const key = await residentKey(provider)
      await rename(tokens, `${tokens}.away`)
      expect((await refusal(provider.locate(key.ref, op))).code).to.equal('hsm-unavailable')
      expect((await refusal(provider.destroy(key.ref, op))).code).to.equal('hsm-unavailable')
      expect((await refusal(provider.sign(key.ref, 'ES256', Buffer.alloc(32), op))).code).to.equal('hsm-unavailable')
      await rename(`${tokens}.away`, tokens)
    })
    expect((await inspect(config)).objects.filter(object => object.label.startsWith('tenant/'))).to.have.length(2)
  })
})
