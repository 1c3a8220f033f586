import { expect } from 'chai'
import { takeServiceManager } from '../../src/systemd/service-manager.ts'
import { keepLog } from '../hsm/support/kept-log.ts'

describe('the service manager', () => {
  it('is nobody where none is named: then telling does nothing', async () => {
    const manager = takeServiceManager({}, 7, keepLog())
    await manager.notify('READY=1')
    expect(manager.watchdogMs).to.equal(undefined)
  })

  it('is taken from the environment, so that no child speaks in our name', () => {
    const environment = { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', PATH: '/bin' }
    expect(takeServiceManager(environment, 7, keepLog()).watchdogMs).to.equal(3000)
    expect(environment).to.deep.equal({ PATH: '/bin' })
  })

  it('wants no watchdog messages of a process that is not the one it watches', () => {
    const environment = { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }
    expect(takeServiceManager(environment, 7, keepLog()).watchdogMs).to.equal(undefined)
  })

  for (const usec of ['0', '-1', 'x', '1e9', ''])
    it(`wants none when the interval is ${JSON.stringify(usec)}`, () => {
      expect(takeServiceManager({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: usec }, 7, keepLog()).watchdogMs).to.equal(
        undefined,
      )
    })

  it('that cannot be reached is logged, and harms nobody', async () => {
    const log = keepLog()
    await takeServiceManager({ NOTIFY_SOCKET: '/none/at/all', PATH: process.env['PATH'] }, 7, log).notify('READY=1')
    expect(log.lines.map(({ message, fields }) => [message, fields['state']])).to.deep.equal([
      ['the service manager cannot be told', 'READY=1'],
    ])
  })
})
