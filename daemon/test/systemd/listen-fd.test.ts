import { expect } from 'chai'
import { takeListenFd } from '../../src/systemd/listen-fd.ts'

describe('a socket passed by the service manager', () => {
  it('is descriptor 3, and the note of it is taken from the environment', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'warder.socket', PATH: '/bin' }
    expect(takeListenFd(environment, 7)).to.equal(3)
    expect(environment).to.deep.equal({ PATH: '/bin' })
  })

  it('is none of ours when it is meant for another process', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '1' }
    expect(takeListenFd(environment, 8)).to.equal(undefined)
    expect(environment).to.deep.equal({})
    expect(takeListenFd({}, 8)).to.equal(undefined)
  })

  for (const count of ['0', '2', 'x'])
    it(`is refused when there are ${count}`, () => {
      expect(() => takeListenFd({ LISTEN_PID: '7', LISTEN_FDS: count }, 7)).to.throw(/sockets were passed/)
    })
})
