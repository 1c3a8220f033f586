import { readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createInternalCa, issueServerCertificate } from '../../daemon/src/tls/internal-ca.ts'
import { until } from '../drills/support/until.ts'
import { bindNotifySocket, type NotifySocket } from './support/notify-socket.ts'
import { inEmptyNetwork, passingSocket } from './support/pass-socket.ts'
import { prepareAppliance, type Prepared } from './support/prepared.ts'
import { ask, Serving } from './support/serving.ts'

const withinMs = 30_000

describe('warder serve under a service manager', function () {
  this.timeout(120_000)
  let appliance: Prepared
  let manager: NotifySocket
  let serving: Serving | undefined
  let path = ''

  before(async () => {
    appliance = await prepareAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(async function () {
    path = join(appliance.dir, `notify-${this.currentTest?.title.length ?? 0}`)
    manager = await bindNotifySocket(path)
  })
  afterEach(async () => {
    await serving?.stop()
    serving = undefined
    await manager[Symbol.asyncDispose]()
  })

  const told = (state: string) => manager.messages.filter(message => message.split(';').includes(state))
  const start = async (environment: Record<string, string> = {}, through: readonly string[] = []) => {
    const started = new Serving(appliance, { environment: { NOTIFY_SOCKET: path, ...environment }, through })
    serving = started
    await until('READY=1', withinMs, async () => {
      if (started.ended) throw new Error(`it ended: ${started.log}`)
      return told('READY=1').length > 0
    })
    return started
  }
  const portOf = (started: Serving) => Number(new URL(String(started.logged('serving')[0]?.['url'])).port)

  it('says READY=1 when it serves, STOPPING=1 when told to stop, and ends well', async () => {
    const started = await start()
    expect((await ask(appliance, portOf(started), '/v1/spaces/default/keys')).status).to.equal(200)
    expect(told('READY=1')[0]).to.match(/STATUS=serving https:\/\/127\.0\.0\.1:\d+/)
    expect(told('STOPPING=1')).to.deep.equal([])
    expect(await started.stop()).to.equal(0)
    expect(told('STOPPING=1')).to.have.lengthOf(1)
  })

  it('says WATCHDOG=1 as often as the manager wants to hear it', async () => {
    const started = await start({ WATCHDOG_USEC: '900000' })
    await until('three watchdog messages', withinMs, async () => told('WATCHDOG=1').length >= 3)
    expect(started.log).not.to.contain('"level":"error"')
  })

  it('does not say WATCHDOG=1 when that is meant for another process', async () => {
    const started = await start({ WATCHDOG_USEC: '900000', WATCHDOG_PID: '1' })
    await started.stop()
    expect(told('WATCHDOG=1')).to.deep.equal([])
  })

  it('says nothing when it cannot start', async () => {
    serving = new Serving(
      { ...appliance, config: join(appliance.dir, 'none.toml') },
      { environment: { NOTIFY_SOCKET: path } },
    )
    expect(await serving.exit()).to.equal(1)
    expect(manager.messages).to.deep.equal([])
    expect(serving.log).to.contain('none.toml: cannot be read (ENOENT). [config-invalid]')
  })

  it('serves a socket that was passed to it, from a network namespace that has nothing in it', async () => {
    const started = await start({}, [...passingSocket, ...inEmptyNetwork])
    const port = Number(started.stdout.split('\n')[0])
    const namespace = (pid: number) => readlink(`/proc/${pid}/ns/net`)
    expect(await namespace(started.process.pid ?? 0)).not.to.equal(await namespace(process.pid))
    const { status, text } = await ask(appliance, port, '/v1/spaces/default/keys')
    expect([status, JSON.parse(text)]).to.deep.equal([200, { items: [] }])
    expect((await ask(appliance, port, '/readyz')).status).to.equal(200)
    expect(portOf(started)).to.equal(port)
    expect(await started.stop()).to.equal(0)
  })

  it('takes a renewed certificate at SIGHUP, and keeps the one it has when the new one is not whole', async () => {
    const certificate = await readFile(appliance.at.certificate, 'utf8')
    const key = await readFile(appliance.at.key, 'utf8')
    const started = await start()
    const port = portOf(started)
    const presented = async () => (await ask({ ...appliance, ca: authorities }, port, '/livez')).fingerprint
    const now = new Date()
    const ca = await createInternalCa({ name: 'Another', now })
    const authorities = `${appliance.ca}\n${ca.certificatePem}`
    const before = await presented()
    const hangUp = async (message: string) => {
      const times = started.logged(message).length
      started.process.kill('SIGHUP')
      await until(message, withinMs, async () => started.logged(message).length > times)
    }

    await hangUp('reloaded: no change')
    expect(await presented()).to.equal(before)

    const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1'], now, days: 3 })
    await writeFile(appliance.at.certificate, issued.certificatePem)
    const refused = 'the configuration was not reloaded; the one in force stays'
    await hangUp(refused)
    expect(started.logged(refused)[0]?.['error']).to.match(/tls\.key does not belong to the certificate/)
    expect(await presented()).to.equal(before)
    expect((await ask(appliance, port, '/readyz?verbose')).text).to.match(/\[\+\]tls ok: .* in 89 days/)

    await writeFile(appliance.at.key, issued.privateKeyPem)
    await hangUp('reloaded')
    const after = await presented()
    expect(after).not.to.equal(before)
    const { status, text } = await ask({ ...appliance, ca: authorities }, port, '/readyz?verbose')
    expect(text).to.match(/\[-\]tls failed: the certificate expires on .*, in 2 days: warder tls renew\n/)
    expect([status, text.trim().split('\n').at(-1)]).to.deep.equal([200, 'readyz check passed'])

    const config = await readFile(appliance.config, 'utf8')
    await writeFile(appliance.config, `${config}\nnode = "\n`)
    await hangUp(refused)
    expect(started.logged(refused)[1]?.['error']).to.match(/warder\.toml:\d+:\d+: /)
    expect(told('RELOADING=1')).to.have.lengthOf(4)
    await until('READY=1 after each reload', withinMs, async () => told('READY=1').length === 5)
    expect(await started.stop()).to.equal(0)
    await writeFile(appliance.config, config)
    await writeFile(appliance.at.certificate, certificate)
    await writeFile(appliance.at.key, key)
  })
})
