import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { run } from '../cli/support/cli.ts'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { recordsOf } from '../support/journal.ts'
import { until } from '../support/until.ts'

const keys = '/v1/spaces/default/keys'
const callers = 6

interface Answered {
  readonly requestId: string
  readonly status: number
  readonly code: string | undefined
  readonly retryAfter: string | undefined
}

describe('an appliance that is sealed under load', function () {
  this.timeout(120_000)
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
    await appliance.admin.post(keys, { name: 'resident', algorithm: 'RSA-2048', custody: 'resident' })
    await appliance.admin.post(keys, { name: 'sealed', algorithm: 'P-256' })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const cli = (command: 'seal' | 'unseal') =>
    run(appliance.work, [command, '--config', join(appliance.dir, 'warder.toml'), '--format', 'json'])
  const hosts = () =>
    (
      JSON.parse(readFileSync(join(appliance.dir, 'run', 'hsm-status.json'), 'utf8')) as {
        hosts: readonly { pid: number | null }[]
      }
    ).hosts.flatMap(({ pid }) => pid ?? [])
  const lives = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  it('answers every request, loses nothing it acknowledged, and serves again when unsealed', async () => {
    const answers: Answered[] = []
    const acknowledged: string[] = []
    let enough = false
    let number = 0
    const ask = async (path: string, body: unknown): Promise<Answered> => {
      const requestId = `load-${number++}`
      const reply = await appliance.admin.send({ method: 'POST', path, body, headers: { 'x-request-id': requestId } })
      const well = reply.status < 300
      const answered = {
        requestId,
        status: reply.status,
        code: well ? undefined : reply.body.code,
        retryAfter: reply.headers['retry-after'],
      }
      answers.push(answered)
      if (!well) await new Promise(resolve => setTimeout(resolve, 20))
      return answered
    }
    const lanes = [
      () => ask(`${keys}/resident:sign`, { input: 'AAAA' }),
      () => ask(`${keys}/sealed:sign`, { input: 'AAAA' }),
      async () => {
        const name = `made-${number}`
        if ((await ask(keys, { name, algorithm: 'P-256' })).status < 300) acknowledged.push(name)
      },
    ]
    const calling = lanes.flatMap(lane =>
      Array.from({ length: callers }, async () => {
        while (!enough) await lane()
      }),
    )
    try {
      await until('calls under way', () => acknowledged.length > 10 && answers.length > 60)
      const before = hosts()
      expect(before).to.have.length(2)
      const sealing = await cli('seal')
      expect(sealing.code, sealing.stderr).to.equal(0)
      const { changed, state, ready } = JSON.parse(sealing.stdout) as Record<string, unknown>
      expect([changed, state, ready]).to.deep.equal([true, 'sealed', 0])
      // the hosts, and with them every unwrapped key, are gone when the command ends
      expect(before.some(lives)).to.equal(false)
      await until('only one answer', () => answers.slice(-3 * callers).every(({ code }) => code === 'sealed'))
      expect((await appliance.admin.send({ path: '/readyz' })).status).to.equal(503)
      // the hosts say `sealed` before the appliance has seen it: what was asked until then is on record too
      await until('the seal is the last record', async () => {
        return recordsOf(await appliance.journal()).at(-1)?.action === 'hsm:seal'
      })

      const unsealing = await cli('unseal')
      expect(unsealing.code, unsealing.stderr).to.equal(0)
      const from = answers.length
      await until('service again', () => answers.slice(from).filter(({ status }) => status < 300).length > 60)
    } finally {
      enough = true
      await Promise.all(calling)
    }

    for (const { status, code, retryAfter } of answers.filter(each => each.status >= 300)) {
      expect([status, code]).to.satisfy(([s, c]: [number, string]) => s === 503 && /^(sealed|hsm-unavailable)$/.test(c))
      expect(retryAfter).to.be.oneOf(['10', '2'])
    }
    expect(answers.some(({ code }) => code === 'sealed')).to.equal(true)
    for (const name of acknowledged) {
      expect(
        (await appliance.admin.send({ method: 'POST', path: `${keys}/${name}:sign`, body: { input: 'AAAA' } })).status,
      ).to.equal(200)
    }
    const results = new Map(recordsOf(await appliance.journal()).map(each => [each.correlation, each.result]))
    for (const { requestId, status } of answers) if (status < 300) expect(results.get(requestId)).to.equal('ok')
    expect(appliance.logged).to.not.match(/record-|journal-|"level":"error"/)
  })

  it('says that it was sealed, or not, before', async () => {
    const again = await cli('unseal')
    expect([again.code, again.stderr]).to.deep.equal([
      0,
      'It is not sealed; nothing was changed, and no PIN was tried.\n',
    ])
    expect(JSON.parse(again.stdout)).to.deep.equal({
      changed: false,
      state: 'serving',
      pin: 'configured',
      ready: 2,
      hosts: 2,
    })
    for (const [times, changed] of [
      [1, true],
      [2, false],
    ]) {
      const { stdout, stderr } = await cli('seal')
      expect([times, JSON.parse(stdout).changed]).to.deep.equal([times, changed])
      expect(stderr).to.equal(changed ? '' : 'It was sealed before; nothing was changed.\n')
    }
    const config = join(appliance.dir, 'warder.toml')
    const pinned = await run(appliance.work, ['unseal', '--config', config, '--pin-file', '-'], { stdin: '1234' })
    expect([pinned.code, pinned.stderr]).to.deep.equal([
      1,
      'warder: The configuration says where the PIN is.\n  fix: repeat the command without --pin-file\n',
    ])
    const shown = await run(appliance.work, ['unseal', '--config', config])
    expect(shown.stdout).to.equal(
      'HSM side   serving\nHSM hosts  2 of 2 ready\nPIN        where the configuration says\n',
    )
  })

  it('sees a seal that was over at once, and reads the journal again', async () => {
    const count = async () => recordsOf(await appliance.journal()).filter(({ action }) => action === 'hsm:seal').length
    await until('an open appliance', async () => (await appliance.admin.send({ path: '/readyz' })).status === 200)
    const before = await count()
    expect((await cli('seal')).code).to.equal(0)
    expect((await cli('unseal')).code).to.equal(0)
    await until('the seal in the journal', async () => (await count()) === before + 1)
    await until('an open appliance', async () => (await appliance.admin.send({ path: '/readyz' })).status === 200)
  })
})
