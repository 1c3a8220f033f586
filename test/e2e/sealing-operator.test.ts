import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { bindNotifySocket } from '../systemd/support/notify-socket.ts'
import { program, quoted, run } from '../cli/support/cli.ts'
import { familyOf } from '../support/family.ts'
import { recordsOf } from '../support/journal.ts'
import { filesBelow, memoryHolds, openFilesOf, startOf } from '../support/proc.ts'
import { until } from '../support/until.ts'
import { Running, SplitAppliance } from './support/split-appliance.ts'

const keys = '/v1/spaces/default/keys'

describe('an appliance whose PIN is with the operator', function () {
  this.timeout(120_000)
  let appliance: SplitAppliance

  before(async () => {
    appliance = await SplitAppliance.make()
  })
  after(() => appliance[Symbol.asyncDispose]())
  afterEach(() => appliance.stop())

  const cli = (args: readonly string[], stdin: string | Uint8Array = '') =>
    run(appliance.dir, args, { stdin, env: appliance.environment })
  const unseal = (pin: Uint8Array | string = appliance.pin) =>
    cli(['unseal', '--config', appliance.config, '--pin-file', '-', '--format', 'json'], pin)
  const seal = () => cli(['seal', '--config', appliance.config, '--format', 'json'])
  const status = () => cli(['status'])
  const open = () =>
    until('an open appliance', async () => (await appliance.client().send({ path: '/readyz' })).status === 200)

  it('starts sealed and answers so, opens when unsealed, and again after a seal, without a restart', async () => {
    const notified = join(appliance.dir, 'notify')
    const manager = await bindNotifySocket(notified)
    try {
      await appliance.startHsm()
      await appliance.startApi({ NOTIFY_SOCKET: notified })
      await until('READY=1', () => manager.messages.some(message => message.startsWith('READY=1')))
      expect(manager.messages.at(-1)).to.match(/^READY=1;STATUS=https:\S+: The appliance is sealed: run warder unseal/)
      const client = appliance.client()
      for (const path of ['/v1/spaces', '/healthz', '/metrics', '/readyz']) {
        expect((await client.send({ path })).status, path).to.equal(503)
      }
      const refused = await client.send({ path: '/v1/spaces' })
      expect(refused.headers['retry-after']).to.equal('10')
      expect(refused.body).to.include({ code: 'sealed', retryable: true })
      expect(refused.body.detail).to.include('warder unseal')
      expect((await client.send({ path: '/livez' })).status).to.equal(200)
      expect((await client.send({ path: '/readyz?verbose' })).text).to.match(/^\[-\]engine failed: .*sealed/)
      const told = await status()
      expect([told.code, told.stdout]).to.satisfy(
        ([code, text]: [number, string]) => code === 2 && /is sealed\n/.test(text),
      )

      const { code, stdout, stderr } = await unseal()
      expect(code, stderr).to.equal(0)
      expect(JSON.parse(stdout)).to.deep.equal({ changed: true, state: 'serving', pin: 'operator', ready: 2, hosts: 2 })
      await open()
      await until('STATUS', () => manager.messages.at(-1)?.startsWith('STATUS=serving https:') === true)
      expect((await status()).code).to.equal(0)
      await client.post(keys, { name: 'one', algorithm: 'P-256' })
      await client.post(`${keys}/one:sign`, { input: 'AAAA' })

      expect((await seal()).code).to.equal(0)
      await until('a sealed appliance', async () => (await client.send({ path: keys })).body.code === 'sealed')
      await until('STATUS', () => manager.messages.at(-1)?.includes('sealed') === true)
      expect(recordsOf(await appliance.journal()).at(-1)).to.include({
        action: 'hsm:seal',
        actor: 'system',
        result: 'ok',
      })
      expect((await unseal()).code).to.equal(0)
      await open()
      await client.post(`${keys}/one:sign`, { input: 'AAAA' })
      const actions = recordsOf(await appliance.journal()).map(({ action }) => action)
      expect(actions.filter(action => action.startsWith('hsm:'))).to.deep.equal([
        'hsm:unseal',
        'hsm:seal',
        'hsm:unseal',
      ])
      expect((await cli(['audit', 'verify', '--dir', appliance.journalDir])).code).to.equal(0)
    } finally {
      await manager[Symbol.asyncDispose]()
      await rm(notified, { force: true })
    }
  })

  it('its PIN is nowhere but in the supervisor and the token’s own processes, and in neither after a seal', async () => {
    const hsm = await appliance.startHsm()
    const api = await appliance.startApi()
    expect((await unseal()).code).to.equal(0)
    await open()
    await appliance.client().post(keys, { name: 'held', algorithm: 'P-256' })
    // what looks must be able to find
    expect(memoryHolds(hsm.pid, appliance.pin)).to.equal(true)
    expect(memoryHolds(api.pid, appliance.pin)).to.equal(false)
    const text = Buffer.from(appliance.pin).toString('latin1')
    const hosts = familyOf(hsm.pid).filter(({ pid }) => pid !== hsm.pid)
    expect(hosts).to.have.length(2)
    for (const { pid } of [...familyOf(hsm.pid), ...familyOf(api.pid)]) {
      expect(startOf(pid).length).to.be.above(100)
      expect(startOf(pid)).to.not.include(text)
    }
    for (const { path, text: content } of filesBelow(appliance.dir))
      expect(content.includes(text), path).to.equal(false)
    expect(hsm.log + api.log)
      .to.include('token opened')
      .and.to.not.include(text)

    expect((await seal()).code).to.equal(0)
    expect(familyOf(hsm.pid)).to.have.length(1)
    expect(memoryHolds(hsm.pid, appliance.pin)).to.equal(false)
  })

  it('a wrong PIN is tried once and remembered; the right one opens', async () => {
    // OpenSC's spy stands between the host and the token, and counts
    const spy = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/pkcs11-spy.so`
    const calls = join(appliance.dir, 'calls')
    let before = ''
    await appliance.configure(text => {
      before = text
      const [, module = ''] = /^module = (.*)$/m.exec(text) ?? []
      const environment = `[hsm.config.environment]\nPKCS11SPY = ${module}\nPKCS11SPY_OUTPUT = "${calls}"`
      return text.replace(module, `"${spy}"`).replace('[hsm.config.environment]', environment)
    })
    const logins = async () => (await readFile(calls, 'latin1')).match(/^\d+: C_Login$/gm)?.length ?? 0
    try {
      await appliance.startHsm()
      const wrong = randomBytes(20).toString('hex')
      for (let times = 0; times < 3; times++) {
        const { code, stderr, stdout } = await unseal(wrong)
        expect([code, stdout]).to.deep.equal([2, ''])
        expect(stderr).to.include('[pin-refused]').and.to.not.include(wrong)
        expect(await logins()).to.equal(1)
      }
      expect((await cli(['status', '--timeout', '2', '--addr', 'https://127.0.0.1:1'])).code).to.equal(1)
      expect((await unseal()).code).to.equal(0)
      // once for each host
      expect(await logins()).to.equal(3)
    } finally {
      await appliance.stop()
      await rm(calls, { force: true })
      await appliance.configure(() => before)
    }
  })

  it('says to a terminal that nobody sits at what is missing, and takes no PIN as an argument', async () => {
    await appliance.startHsm()
    const asked = await cli(['unseal', '--config', appliance.config, '--no-input'])
    expect([asked.code, asked.stderr]).to.deep.equal([
      1,
      'warder: The PIN cannot be asked for here.\n  fix: --pin-file FILE, or - for stdin\n',
    ])
    expect((await cli(['unseal', '--config', appliance.config, '--pin', '1234'])).stderr).to.include(
      "unknown option '--pin'",
    )
    expect((await unseal('')).stderr).to.include('The PIN is empty.')
    await appliance.stop()
    const gone = await unseal()
    expect([gone.code, gone.stderr]).to.deep.equal([
      2,
      'warder: warder-hsm does not run: start it (systemctl start warder-hsm) [hsm-unavailable]\n',
    ])
  })

  it('asks a person for the PIN, and does not show it', async () => {
    await appliance.startHsm()
    const command = quoted([...program, 'unseal', '--config', appliance.config])
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd: appliance.dir })
    let shown = ''
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
    const ended = once(terminal, 'close')
    await until('the question', () => shown.includes('PIN: '))
    const pin = Buffer.from(appliance.pin).toString('latin1')
    terminal.stdin.write(`${pin}\r`)
    expect(await ended, shown).to.deep.equal([0, null])
    expect(shown).to.include('2 of 2 ready').and.to.not.include(pin)
  })

  it('is sealed again when warder-hsm is started again, and the API process follows', async () => {
    await appliance.startHsm()
    await appliance.startApi()
    expect((await unseal()).code).to.equal(0)
    await open()
    await appliance.hsm?.stop('SIGKILL')
    await appliance.startHsm()
    const client = appliance.client()
    await until('a sealed appliance', async () => (await client.send({ path: keys })).body.code === 'sealed')
    expect((await unseal()).code).to.equal(0)
    await open()
  })
})

describe('warder serve that is told to stop before it serves', function () {
  this.timeout(120_000)
  it('ends well and at once, while it waits for the HSM side', async () => {
    const appliance = await SplitAppliance.make()
    try {
      const api = new Running('index', ['serve', '--config', appliance.config])
      await until('its storage', () => openFilesOf(api.pid).some(path => path.endsWith('/store.sqlite')))
      api.child.kill('SIGTERM')
      expect(await api.ended).to.equal(0)
      expect(api.log).to.include('"message":"stopping"').and.to.not.include('"level":"error"')
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })
})
