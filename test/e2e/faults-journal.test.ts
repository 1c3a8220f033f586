import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { recordsOf } from '../support/journal.ts'
import { expectProblem } from '../support/problem.ts'
import { warder } from '../support/warder.ts'

const keys = '/v1/spaces/default/keys'

/** In order: each test leaves the appliance stopped, with its journal as it was. */
describe('an appliance whose journal is damaged', function () {
  this.timeout(60_000)
  let appliance: Appliance
  let intact: Buffer
  before(async () => {
    appliance = await startAppliance()
    await appliance.admin.post(keys, { name: 'k', algorithm: 'P-256' })
    for (let n = 0; n < 5; n++) await appliance.admin.post(`${keys}/k:sign`, { input: 'AAAA' })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const verify = () => warder(['audit', 'verify', '--dir', appliance.dir])

  it('removed while it runs: what needs a record is refused, reads go on, and readiness names it', async () => {
    const aside = `${appliance.journalFile}.aside`
    await rename(appliance.journalFile, aside)
    const sending = { method: 'POST', path: `${keys}/k:sign`, body: { input: 'AAAA' } } as const
    for (let n = 0; n < 3; n++) {
      const reply = await appliance.admin.send(sending)
      expectProblem(reply, 503, 'journal-unavailable')
      expect(reply.body.retryable).to.equal(true)
      expect(reply.headers['retry-after']).to.match(/^\d+$/)
    }
    const body = { name: 'late', algorithm: 'P-256' }
    expectProblem(await appliance.admin.send({ method: 'POST', path: keys, body }), 503, 'journal-unavailable')
    // a denial that cannot be recorded is no denial either
    expectProblem(await (await appliance.client('wrong')).send({ path: keys }), 503, 'journal-unavailable')
    await appliance.admin.get(`${keys}/k`)
    const readiness = await appliance.admin.send({ path: '/readyz?verbose' })
    expect(readiness.status).to.equal(503)
    expect(readiness.text)
      .to.match(/^\[-\]journal failed: .*file-removed/m)
      .and.to.match(/^\[\+\]storage ok: /m)
    expect((await appliance.admin.send({ path: '/livez' })).status).to.equal(200)
    expect(appliance.logged).to.match(/"reason":"file-removed".*"message":"the journal stopped"/)

    await appliance.stop()
    await rename(aside, appliance.journalFile)
    intact = await readFile(appliance.journalFile)
  })

  it('cut inside a batch that was never acknowledged: starts, and says what it dropped', async () => {
    await appendFile(appliance.journalFile, intact.subarray(0, 200))
    const found = await verify()
    expect(found.code).to.equal(0)
    expect(found.stdout).to.match(/^tail +200 bytes/m)
    await appliance.start()
    expect(appliance.logged).to.match(/"bytes":200.*"message":"dropped an unacknowledged batch/)
    await appliance.admin.post(`${keys}/k:sign`, { input: 'AAAA' })
    await appliance.stop()
    const opened = recordsOf(await appliance.journal()).findLast(({ action }) => action === 'journal:open')
    expect(opened?.subject['droppedBytes']).to.equal(200)
    intact = await readFile(appliance.journalFile)
  })

  it('a byte flipped: does not start, and `warder audit verify` names file and line', async () => {
    const line = 7
    const at = startOfLine(intact, line) + 120
    const damaged = Buffer.from(intact)
    damaged[at] = (damaged[at] as number) ^ 1
    await writeFile(appliance.journalFile, damaged)

    const found = await verify()
    expect(found.code).to.equal(1)
    expect(found.stdout).to.equal('')
    expect(found.stderr).to.match(/^warder: The journal file 0000000000000000\.log is damaged at line 7 \(byte \d+\): /)
    expect(found.stderr).to.include('[journal-corrupt]').and.to.not.include('    at ')

    const refused = await appliance.startRefused()
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.include('is damaged at line 7').and.to.include('[journal-corrupt]')
    expect(await readFile(appliance.journalFile)).to.deep.equal(damaged)
    await writeFile(appliance.journalFile, intact)
  })

  it('removed while it is stopped: does not start, with or without the administrator’s key', async () => {
    await rm(appliance.journalFile)
    const refused = await appliance.startRefused()
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.match(/^warder: There is no journal: .*\[not-initialised\]$/m)

    const keyFile = join(appliance.dir, 'admin.key')
    const adminKey = await readFile(keyFile)
    await rm(keyFile)
    const again = await appliance.startRefused()
    expect(again.code).to.equal(1)
    expect(again.stderr).to.match(
      /^warder: Storage holds records but their journal is gone\..*\[already-initialised\]$/m,
    )

    await writeFile(keyFile, adminKey)
    await writeFile(appliance.journalFile, intact)
  })

  it('after a kill it starts again, and what was acknowledged is on record', async () => {
    await appliance.start()
    const { admin } = appliance
    const acknowledged: string[] = []
    const signing = Array.from({ length: 8 }, async (_, caller) => {
      for (let n = 0; ; n++) {
        const id = `kill-${caller}-${n}`
        const headers = { 'x-request-id': id }
        const sending = { method: 'POST', path: `${keys}/k:sign`, body: { input: 'AAAA' }, headers } as const
        const status = await admin.send(sending).then(
          reply => reply.status,
          () => 0,
        )
        if (status !== 200) return
        if (acknowledged.push(id) === 200) await appliance.kill()
      }
    })
    await Promise.all(signing)
    expect((await verify()).code).to.equal(0)
    await appliance.start()
    const recorded = new Set(recordsOf(await appliance.journal()).map(({ correlation }) => correlation))
    expect(acknowledged.filter(id => !recorded.has(id))).to.deep.equal([])
    await appliance.admin.post(`${keys}/k:sign`, { input: 'AAAA' })
  })
})

/** Where the nth line begins, counted from 1. */
function startOfLine(text: Buffer, line: number): number {
  let at = 0
  for (let n = 1; n < line; n++) at = text.indexOf(0x0a, at) + 1
  return at
}
