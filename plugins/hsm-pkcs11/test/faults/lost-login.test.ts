import type { KeyProvider, ResidentRef } from '@warder/contract'
import pkcs11js from 'pkcs11js'
import { expect } from 'chai'
import type { Config } from '../../src/config.ts'
import type { Cryptoki } from '../../src/cryptoki.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'
import { createNssToken } from '../conformance/nss-token.ts'
import { withRawToken } from '../raw-token.ts'
import {
  expectSigns,
  op,
  refusal,
  removeDirectory,
  residentKey,
  specOf,
  temporaryDirectory,
  withProvider,
} from '../support.ts'

interface Token {
  readonly config: Config
  readonly remove: () => Promise<void>
}

async function softHsm(): Promise<Token> {
  const directory = await temporaryDirectory()
  return { config: await createSoftHsmToken(directory), remove: () => removeDirectory(directory) }
}

const logOut = (config: Config): Promise<void> =>
  withRawToken(config, (lib, session) => lib.C_Logout(session), 'an open provider')

const closeAllSessions = (config: Config): Promise<void> => {
  const close = (lib: Cryptoki): void => {
    for (const slot of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(slot)
    // so that there is one to close
    lib.C_OpenSession(lib.C_GetSlotList(true)[0] as Buffer, pkcs11js.CKF_SERIAL_SESSION)
  }
  return withRawToken(config, close, 'an open provider').catch(() => undefined)
}

type Use = (provider: KeyProvider, ref: ResidentRef) => Promise<unknown>
const sign: Use = (provider, ref) => provider.sign(ref, 'ES256', Buffer.alloc(32), op)
const generate: Use = provider => provider.generate(specOf({ custody: 'resident' }), op)

/** What modules answer to one and the same event differs; some of it says nothing, and the canary has to tell. */
const faults = [
  ['SoftHSM', softHsm, 'logged out', logOut, 'signing', sign, undefined],
  ['SoftHSM', softHsm, 'logged out', logOut, 'making a key', generate, 'CKR_USER_NOT_LOGGED_IN'],
  ['NSS', createNssToken, 'logged out', logOut, 'signing', sign, 'CKR_HOST_MEMORY'],
  ['NSS', createNssToken, 'logged out', logOut, 'making a key', generate, 'CKR_USER_NOT_LOGGED_IN'],
  ['SoftHSM', softHsm, 'its sessions closed', closeAllSessions, 'signing', sign, 'CKR_SESSION_HANDLE_INVALID'],
  ['NSS', createNssToken, 'its sessions closed', closeAllSessions, 'signing', sign, 'CKR_SESSION_HANDLE_INVALID'],
] as const

describe('a provider whose login was lost to somebody else in its process', function () {
  this.timeout(60_000)

  for (const [module, create, event, fault, doing, use, ckr] of faults) {
    it(`${module}, ${event}, ${doing}: ${ckr ?? 'the canary tells'}; broken for good, and well when opened anew`, async () => {
      const { config, remove } = await create()
      try {
        await withProvider(config, async provider => {
          const key = await residentKey(provider)
          await expectSigns(provider, key)
          await fault(config)
          const { code, facts } = await refusal(use(provider, key.ref))
          expect([code, facts['ckr']]).to.deep.equal(['hsm-unavailable', ckr])
          expect((await provider.health(op)).ok).to.equal(false)
          expect((await refusal(provider.random(8, op))).code).to.equal('hsm-unavailable')
        })
        await withProvider(config, async provider => expectSigns(provider, await residentKey(provider)))
      } finally {
        await remove()
      }
    })
  }
})
