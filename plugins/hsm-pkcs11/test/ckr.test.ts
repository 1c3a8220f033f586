import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { ckrOf, isHandleInvalid, toWarderError } from '../src/ckr.ts'

describe('return values', () => {
  const typed = (ckr: string) => toWarderError(new pkcs11js.Pkcs11Error(`${ckr}:5`, 5, 'C_Sign')) as WarderError

  it('become errors by what they mean, and name themselves', () => {
    const expected = {
      CKR_PIN_INCORRECT: 'pin-refused',
      CKR_PIN_LOCKED: 'pin-refused',
      CKR_PIN_EXPIRED: 'pin-refused',
      CKR_PIN_INVALID: 'pin-refused',
      CKR_PIN_LEN_RANGE: 'pin-refused',
      CKR_DEVICE_ERROR: 'hsm-unavailable',
      CKR_DEVICE_REMOVED: 'hsm-unavailable',
      CKR_TOKEN_NOT_PRESENT: 'hsm-unavailable',
      CKR_SESSION_HANDLE_INVALID: 'hsm-unavailable',
      CKR_USER_NOT_LOGGED_IN: 'hsm-unavailable',
      CKR_SESSION_COUNT: 'hsm-unavailable',
      CKR_MECHANISM_INVALID: 'unsupported-mechanism',
      CKR_GENERAL_ERROR: 'hsm-failed',
      CKR_OBJECT_HANDLE_INVALID: 'hsm-failed',
      CKR_VENDOR_DEFINED: 'hsm-failed',
    }
    for (const [ckr, code] of Object.entries(expected)) {
      const error = typed(ckr)
      expect([ckr, error.code, error.facts]).to.deep.equal([ckr, code, { ckr }])
    }
  })

  it('are read from plain errors of the binding as well', () => {
    expect(ckrOf(new Error('CKR_GENERAL_ERROR:5'))).to.equal('CKR_GENERAL_ERROR')
    expect(ckrOf(new Error('no such file'))).to.equal(undefined)
    expect(ckrOf('CKR_GENERAL_ERROR')).to.equal(undefined)
    expect((toWarderError(new Error('no such file')) as WarderError).code).to.equal('hsm-failed')
  })

  it('tell a bad object from a bad session', () => {
    expect(isHandleInvalid(new Error('CKR_OBJECT_HANDLE_INVALID:130'))).to.equal(true)
    expect(isHandleInvalid(new Error('CKR_KEY_HANDLE_INVALID:96'))).to.equal(true)
    expect(isHandleInvalid(new Error('CKR_SESSION_HANDLE_INVALID:179'))).to.equal(false)
  })

  it('leave typed errors and bugs of the caller as they are', () => {
    const refused = new WarderError('key-exists', 'taken')
    const bug = new TypeError('length')
    expect(toWarderError(refused)).to.equal(refused)
    expect(toWarderError(bug)).to.equal(bug)
  })
})
