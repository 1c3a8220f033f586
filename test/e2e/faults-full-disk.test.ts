import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { JournalRecord } from '@warder/core'
import { Appliance, newWorkDirectory } from '../support/appliance.ts'
import { recordsOf } from '../support/journal.ts'
import { expectProblem } from '../support/problem.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { warder } from '../support/warder.ts'

const keys = '/v1/spaces/default/keys'

describe('an appliance whose disk is full', function () {
  this.timeout(60_000)
  let disk: SmallDisk
  let appliance: Appliance
  before(async () => {
    const work = await newWorkDirectory()
    disk = await mountSmallDisk(join(work, 'appliance', 'data'), 4096)
    appliance = new Appliance(work, { within: disk.within })
    await appliance.start()
  })
  after(async () => {
    await appliance[Symbol.asyncDispose]()
    await disk[Symbol.asyncDispose]()
  })

  const filler = (): string => join(disk.directory, 'filler')

  /** Takes all room but for `left` bytes, in whole pages of the tmpfs. */
  async function fill(left: number): Promise<void> {
    const file = await open(filler(), 'a')
    try {
      for (const page = Buffer.alloc(4096); ;) await file.write(page)
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC')
      const { size } = await file.stat()
      await file.truncate(size - left)
    } finally {
      await file.close()
    }
  }

  const records = async (): Promise<JournalRecord[]> =>
    recordsOf(await readFile(join(disk.directory, 'journal', '0000000000000000.log'), 'utf8'))

  it('refuses what it cannot keep, and keeps what it acknowledged', async () => {
    const created: string[] = []
    const signed: string[] = []
    const create = async (name: string): Promise<string> => {
      const body = { name, algorithm: 'P-256' }
      const reply = await appliance.admin.send({ method: 'POST', path: keys, body })
      if (reply.status === 201) created.push(name)
      else expectProblem(reply, 503, reply.body.code)
      return reply.status === 201 ? 'ok' : reply.body.code
    }
    const sign = async (requestId: string): Promise<string> => {
      const reply = await appliance.admin.send({
        method: 'POST',
        path: `${keys}/first:sign`,
        body: { input: 'AAAA' },
        headers: { 'x-request-id': requestId },
      })
      if (reply.status === 200) signed.push(requestId)
      else expectProblem(reply, 503, 'journal-unavailable')
      return reply.status === 200 ? 'ok' : reply.body.code
    }

    expect(await create('first')).to.equal('ok')
    await fill(96 * 1024)
    const refusals = new Set<string>()
    for (let n = 0; n < 400 && !refusals.has('journal-unavailable'); n++) {
      for (const answer of await Promise.all([create(`key-${n}`), sign(`sign-${n}-a`), sign(`sign-${n}-b`)]))
        if (answer !== 'ok') refusals.add(answer)
    }
    expect([...refusals]).to.include('journal-unavailable')
    expect(['journal-unavailable', 'storage-unavailable']).to.include.members([...refusals])
    expect(created.length).to.be.above(1)

    const readiness = await appliance.admin.send({ path: '/readyz?verbose' })
    expect(readiness.status).to.equal(503)
    expect(readiness.text).to.match(/^\[-\]journal failed: .*no-space/m)
    await appliance.admin.get(`${keys}/first`)
    expect(await create('refused')).to.equal('journal-unavailable')
    expect(await sign('refused')).to.equal('journal-unavailable')
    await appliance.stop()
    expect((await records()).at(-1)).to.include({ action: 'journal:stop', result: 'no-space' })

    // Closing freed some room: the store's log, and what the journal had in reserve.
    await fill(80 * 1024)
    const refused = await appliance.startRefused()
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.match(/^warder: .*no-space.*\[journal-unavailable\]$/m)

    await rm(filler())
    expect(await warder(['audit', 'verify', '--dir', disk.directory])).to.include({ code: 0, stderr: '' })
    await appliance.start()
    for (const name of created) await appliance.admin.get(`${keys}/${name}/publicKey`)
    const recorded = new Set((await records()).map(({ correlation }) => correlation))
    expect(signed.filter(id => !recorded.has(id))).to.deep.equal([])
    expect(await create('after')).to.equal('ok')
    expect(await sign('after')).to.equal('ok')
  })
})
