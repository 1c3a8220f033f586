import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { withScratch } from './scratch.ts'

describe('a filesystem store that has no room for a record', () => {
  it('refuses it with a typed error, leaves nothing of it, and takes the next that fits', () =>
    withScratch(async directory => {
      // a limit on the size of files makes write(2) fail with EFBIG in the middle, as a full disk does with ENOSPC
      const script = fileURLToPath(new URL('limited-writer.ts', import.meta.url))
      const command = 'ulimit -f 512; exec "$@"'
      const child = spawn('sh', ['-c', command, 'sh', process.execPath, ...process.execArgv, script, directory])
      let said = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      await once(child, 'close')
      expect(errors).to.equal('')
      expect(JSON.parse(said)).to.deep.equal({
        outcomes: ['done', 'storage-unavailable', 'done'],
        there: [true, false, true],
        leftovers: 0,
        healthy: true,
      })
    }))
})
