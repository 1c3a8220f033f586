import { expect } from 'chai'
import fc from 'fast-check'
import {
  allows,
  type KeyEvent,
  type KeyState,
  keyStates,
  nextKeyState,
  nextVersionState,
  type VersionEvent,
  type VersionState,
  versionStates,
} from '../../src/keys/lifecycle.ts'

const versionEvents: readonly VersionEvent[] = [
  'activate',
  'deactivate',
  'promote',
  'suspend',
  'resume',
  'revoke',
  'destroy',
]
const keyEvents: readonly KeyEvent[] = ['enable', 'disable', 'schedule-destruction', 'restore', 'destroy']

describe('the life of a key version', () => {
  /** Every state a version comes through when these events befall it; those that cannot happen are passed over. */
  const pathOf = (events: readonly VersionEvent[]): VersionState[] => {
    const path: VersionState[] = ['pre-active']
    let before: 'active' | 'deactivated' | undefined
    for (const event of events) {
      const state = path.at(-1) as VersionState
      const next = nextVersionState(state, event, before)
      if (next === undefined) continue
      before = event === 'suspend' && (state === 'active' || state === 'deactivated') ? state : undefined
      path.push(next)
    }
    return path
  }
  const paths = fc.array(fc.constantFrom(...versionEvents), { maxLength: 30 }).map(pathOf)

  it('never comes back from destroyed, and from compromised only there', () => {
    fc.assert(
      fc.property(paths, path => {
        const compromised = path.indexOf('compromised')
        const after = compromised === -1 ? [] : path.slice(compromised + 1)
        expect(after.every(state => state === 'destroyed')).to.equal(true)
        const destroyed = path.indexOf('destroyed')
        if (destroyed !== -1) expect(path.slice(destroyed)).to.deep.equal(['destroyed'])
      }),
    )
  })

  it('never protects again by being suspended and resumed when it had stopped protecting', () => {
    fc.assert(
      fc.property(paths, path => {
        for (const [index, state] of path.entries()) {
          if (state === 'suspended' && path[index - 1] === 'deactivated' && path[index + 1] !== undefined) {
            expect(path[index + 1]).not.to.equal('active')
          }
        }
      }),
    )
  })

  it('protects in no state but active, and processes in none that is suspended, destroyed or not yet active', () => {
    for (const key of keyStates) {
      for (const version of versionStates) {
        expect(allows(key, version, 'protect')).to.equal(key === 'enabled' && version === 'active')
        const processes = key === 'enabled' && ['active', 'deactivated', 'compromised'].includes(version)
        expect(allows(key, version, 'process')).to.equal(processes)
      }
    }
  })
})

describe('the life of a key', () => {
  it('is destroyed only from pending destruction, and stays so', () => {
    const paths = fc.array(fc.constantFrom(...keyEvents), { maxLength: 20 })
    fc.assert(
      fc.property(paths, events => {
        let state: KeyState = 'enabled'
        for (const event of events) {
          const next = nextKeyState(state, event)
          if (state === 'destroyed') expect(next).to.equal(undefined)
          if (next === 'destroyed') expect(state).to.equal('pending-destruction')
          if (next === 'enabled') expect(state).to.equal('disabled')
          state = next ?? state
        }
      }),
    )
  })
})
