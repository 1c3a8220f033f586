import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig } from '../../src/hsm/config.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const op = () => ({ signal: new AbortController().signal })
const digest = createHash('sha256').update('a message').digest()

describe('a SoftHSM token that goes away and comes back', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervisor | undefined
  let client: HsmClient | undefined

  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(async () => {
    await client?.[Symbol.asyncDispose]()
    await supervisor?.[Symbol.asyncDispose]()
    await dir.remove()
  })

  it('is served again by new hosts, with nobody’s help, and its keys are there', async () => {
    const token = join(dir.path, 'token')
    await mkdir(token, { mode: 0o700 })
    const plugin = { specifier: '@warder/hsm-pkcs11', config: await createSoftHsmToken(token) }
    supervisor = await startSupervisor(parseSupervisorConfig({ runDir: dir.path, plugin }), keepLog())
    await supervisor.settled
    client = connectHsm({ runDir: dir.path, hosts: 2 })
    await client.ready(op())
    const spec = { algorithm: 'P-256', usage: 'sign', custody: 'resident', exportable: false } as const
    const { ref } = await client.generate({ ...spec, id: randomBytes(16).toString('hex') }, op())
    const pids = () => supervisor!.status.hosts.map(host => host.pid)
    const before = pids()
    expect(before).to.have.length(2).and.not.to.include(null)

    const tokens = join(token, 'tokens')
    await rename(tokens, `${tokens}.away`)
    // nobody calls: the hosts notice by themselves
    await until('both hosts have ended', () => before.every(pid => !pids().includes(pid)))
    expect(['hsm-unavailable', 'hsm-failed']).to.include(
      (await rejection(client.sign(ref, 'ES256', digest, op()))).code,
    )
    expect(supervisor.status.state).to.equal('serving')

    await rename(`${tokens}.away`, tokens)
    await until('both hosts serve again', () => supervisor!.status.hosts.every(host => host.state === 'ready'), 20_000)
    await until('a connection', async () => (await client!.health(op())).detail.startsWith('2 of 2'))
    expect(await client.sign(ref, 'ES256', digest, op())).to.have.length(64)
    expect(pids().every(pid => !before.includes(pid))).to.equal(true)
  })
})
