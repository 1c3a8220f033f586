import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

const large = (id: string) => record(id, { attributes: { size: 'large' }, body: new Uint8Array(200_000).fill(7) })

describe('a SQLite store that has no room', () => {
  it('refuses writes with a typed error, keeps what it has, reads on, and writes again when there is room', () =>
    withScratch(file =>
      withStore(
        file,
        async store => {
          const kept: string[] = []
          let error: (Error & { code?: unknown }) | undefined
          for (let n = 0; error === undefined; n++) {
            const id = `r-${n}`
            await store.put(large(id), 'absent', op).then(
              () => kept.push(id),
              (reason: Error) => (error = reason),
            )
          }
          expect(error?.code).to.equal('storage-unavailable')
          expect(error?.message).to.contain('full')
          expect(kept.length).to.be.greaterThan(2)
          expect((await refusal(store.put(large('another'), 'absent', op))).code).to.equal('storage-unavailable')
          for (const id of kept) expect((await store.get('things', id, op))?.body).to.deep.equal(large(id).body)
          const { records } = await store.query('things', { where: { size: 'large' }, limit: 1000 }, op)
          expect(records.map(({ id }) => id)).to.have.members(kept)
          expect((await store.health(op)).ok).to.equal(true)
          await store.delete('things', 'r-0', 1, op)
          await store.put(large('another'), 'absent', op)
          expect((await store.get('things', 'another', op))?.revision).to.equal(1)
        },
        { maxPages: 300 },
      ),
    ))
})

describe('a SQLite store whose file can no longer be written', () => {
  it('refuses every write until it is opened anew, reads on, and has all that was acknowledged', () =>
    withScratch(async file => {
      // a limit on the size of files makes write(2) fail with EFBIG, which SQLite reports as an I/O error
      const script = fileURLToPath(new URL('limited-writer.ts', import.meta.url))
      const command = 'ulimit -f 4096; exec "$@"'
      const child = spawn('sh', ['-c', command, 'sh', process.execPath, ...process.execArgv, script, file])
      let said = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      await once(child, 'close')
      expect(errors).to.equal('')
      const told = JSON.parse(said) as { kept: string[]; first: string; second: string; healthy: boolean; read: number }
      expect(told.first).to.equal('storage-unavailable')
      expect(told.second).to.equal('storage-unavailable')
      expect(told.healthy).to.equal(false)
      expect(told.kept.length).to.be.greaterThan(2)
      expect(told.read).to.equal(told.kept.length)
      await withStore(file, async store => {
        for (const id of told.kept) expect(await store.get('things', id, op), id).to.be.an('object')
        await store.put(record('after'), 'absent', op)
      })
    }))
})
