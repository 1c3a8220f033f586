import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Log } from '@warder/contract'
import { expect } from 'chai'
import { encode } from '../../src/hsm/codec.ts'
import { parseSupervisorConfig } from '../../src/hsm/config.ts'
import { orderSupervisor } from '../../src/hsm/control-client.ts'
import { serveControl } from '../../src/hsm/control-server.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import type { FaultyConfig } from './support/faulty-plugin.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const right = 'the right one'
const bytes = (text: string) => Uint8Array.from(Buffer.from(text))

describe('the control socket', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervisor
  let control: AsyncDisposable
  let orders: number
  let warned: string[]

  const start = async (plugin: Partial<FaultyConfig> = {}, requestMs?: number) => {
    const specifier = new URL('./support/faulty-plugin.ts', import.meta.url).href
    const config = parseSupervisorConfig({
      runDir: dir.path,
      hosts: 1,
      plugin: { specifier, config: { starts: join(dir.path, 'starts'), pin: { operator: true }, ...plugin } },
    })
    supervisor = await startSupervisor(config, keepLog())
    const log: Log = { ...keepLog(), warn: message => void warned.push(message) }
    const onOrder = () => void orders++
    control = await serveControl(supervisor, { runDir: dir.path, log, onOrder, ...(requestMs && { requestMs }) })
  }
  const order = (request: Parameters<typeof orderSupervisor>[1]) => orderSupervisor({ runDir: dir.path }, request)

  beforeEach(async () => {
    dir = await makeRunDir()
    orders = 0
    warned = []
  })
  afterEach(async () => {
    await control[Symbol.asyncDispose]()
    await supervisor[Symbol.asyncDispose]()
    await dir.remove()
  })

  it('takes orders, and says what came of them', async () => {
    await start({ wants: right })
    const sealed = { state: 'sealed', pin: 'operator', ready: 0, hosts: 1 }
    expect(await order({ op: 'status' })).to.deep.equal({ changed: false, status: sealed })
    const refusal = await rejection(order({ op: 'unseal', pin: bytes('wrong') }))
    expect([refusal.code, refusal.message]).to.deep.equal(['pin-refused', 'Not that PIN'])
    const error = { code: 'pin-refused', message: 'Not that PIN' }
    expect((await order({ op: 'status' })).status).to.deep.equal({ ...sealed, error })
    const serving = { ...sealed, state: 'serving', ready: 1 }
    expect(await order({ op: 'unseal', pin: bytes(right) })).to.deep.equal({ changed: true, status: serving })
    expect(await order({ op: 'unseal', pin: bytes('any') })).to.deep.equal({ changed: false, status: serving })
    expect(await order({ op: 'seal' })).to.deep.equal({ changed: true, status: sealed })
    expect(await order({ op: 'seal' })).to.deep.equal({ changed: false, status: sealed })
    expect(orders).to.equal(5)
  })

  it('carries out one unseal at a time, and a seal at once', async () => {
    await start({ neverOpens: true })
    const first = rejection(order({ op: 'unseal', pin: bytes('one') }))
    await until('a host', () => supervisor.status.hosts[0]!.pid !== null)
    expect((await rejection(order({ op: 'unseal', pin: bytes('two') }))).code).to.be.oneOf(['wrong-state'])
    await order({ op: 'seal' })
    expect((await first).code).to.equal('sealed')
  })

  it('is for its own user and root: mode 0600, also in a directory that others may enter', async function () {
    await start()
    const path = join(dir.path, 'control.sock')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    if (process.getuid?.() !== 0) return
    await chmod(dir.path, 0o755)
    const script = `require('net').connect(${JSON.stringify(path)}).on('error', e => process.stdout.write(e.code))`
    const { stdout } = spawnSync(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
    expect(stdout).to.equal('EACCES')
  })

  /** What is answered to these bytes before the end. */
  const send = (...chunks: readonly Uint8Array[]): Promise<Buffer> =>
    new Promise(resolve => {
      const socket: Socket = connect(join(dir.path, 'control.sock'))
      const answered: Buffer[] = []
      socket.on('data', (chunk: Buffer) => answered.push(chunk))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(Buffer.concat(answered)))
      for (const chunk of chunks) socket.write(chunk)
    })
  const frame = (message: object): Buffer => {
    const payload = encode(message)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(payload.length)
    return Buffer.concat([header, payload])
  }

  it('hangs up, without an answer, on what is not one request within its bounds', async () => {
    await start({ wants: right })
    const strange: Readonly<Record<string, Buffer>> = {
      'random bytes': Buffer.concat([Buffer.from([0, 0, 0, 60]), randomBytes(60)]),
      'an empty frame': Buffer.alloc(4),
      'a length that is too long': Buffer.from([0, 0, 8, 1]),
      'a huge length': Buffer.from([0xff, 0xff, 0xff, 0xff]),
      HTTP: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      'another order': frame({ op: 'stop' }),
      'no order': frame({}),
      'a field too much': frame({ op: 'seal', now: true }),
      'a PIN where none goes': frame({ op: 'seal', pin: bytes('1234') }),
      'a PIN as text': frame({ op: 'unseal', pin: '1234' }),
      'an empty PIN': frame({ op: 'unseal', pin: new Uint8Array(0) }),
      'a PIN that is too long': frame({ op: 'unseal', pin: new Uint8Array(1024) }),
      'a list': frame(['seal']),
    }
    for (const [what, sent] of Object.entries(strange)) expect((await send(sent)).length, what).to.equal(0)
    expect(orders).to.equal(0)
    // what follows a request is not read
    expect((await send(frame({ op: 'status' }), frame({ op: 'seal' }))).includes('seal')).to.equal(false)
    expect((await order({ op: 'status' })).status.state).to.equal('sealed')
  })

  it('hangs up on a peer that says nothing, or half of something', async () => {
    await start({}, 50)
    expect((await send()).length).to.equal(0)
    expect((await send(frame({ op: 'seal' }).subarray(0, 6))).length).to.equal(0)
    expect(warned).to.have.length(2)
    expect((await order({ op: 'status' })).status.state).to.equal('sealed')
  })

  it('does not take more peers than it has room for, and serves on when they have gone', async () => {
    await start()
    const peers = Array.from({ length: 40 }, () => connect(join(dir.path, 'control.sock')))
    const closed = await new Promise<number>(resolve => {
      let count = 0
      for (const peer of peers) peer.on('error', () => undefined).on('close', () => ++count === 32 && resolve(count))
    })
    expect(closed).to.equal(32)
    for (const peer of peers) peer.destroy()
    await until('room again', () =>
      order({ op: 'status' }).then(
        () => true,
        () => false,
      ),
    )
  })

  it('says when there is no supervisor, and when others could have made the socket', async () => {
    await start()
    await control[Symbol.asyncDispose]()
    const { code, message } = await rejection(order({ op: 'status' }))
    expect([code, message]).to.deep.equal([
      'hsm-unavailable',
      'warder-hsm does not run: start it (systemctl start warder-hsm)',
    ])
    await chmod(dir.path, 0o777)
    expect((await rejection(order({ op: 'unseal', pin: bytes(right) }))).code).to.equal('config-invalid')
  })
})
