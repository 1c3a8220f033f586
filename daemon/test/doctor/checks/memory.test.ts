import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { judgeLimits, judgeSwap } from '../../../src/doctor/checks/memory.ts'
import { limitsOf, openFilesOf, processesOf } from '../../../src/doctor/processes.ts'
import { directivesOf } from '../../../src/systemd/unit-text.ts'

const heading = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'

describe('doctor: memory and limits', () => {
  it('swap is none, in memory, on a disk, or not told', () => {
    expect(judgeSwap(heading)).to.include({ status: 'ok', found: 'none' })
    expect(judgeSwap(`${heading}/dev/zram0 partition 1 0 100\n`)).to.include({ status: 'ok' })
    expect(judgeSwap(`${heading}/dev/sda2 partition 1 0 -2\n`)).to.include({
      status: 'warning',
      found: 'on: /dev/sda2',
    })
    expect(judgeSwap(undefined)).to.include({ status: 'not-checked' })
  })

  it('limits are read of a process as it runs', async () => {
    const script = 'ulimit -c 0; ulimit -n 77; echo ready; exec cat'
    const child = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    try {
      await once(child.stdout, 'data')
      const limits = await limitsOf('/proc', child.pid ?? 0)
      expect(limits?.get('Max core file size')).to.equal(0)
      expect(limits?.get('Max open files')).to.equal(77)
      expect(await openFilesOf('/proc', child.pid ?? 0)).to.be.greaterThan(0)
    } finally {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    }
    expect(await limitsOf('/proc', child.pid ?? 0)).to.equal(undefined)
  })

  it('the processes of a configuration are known by how they were started', async () => {
    const program = 'setInterval(() => {}, 1000)'
    const args = ['-e', program, '/x/cli/index.js', 'serve', '--config', '/tmp/one.toml']
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    try {
      await once(child, 'spawn')
      expect(await processesOf('/proc', '/tmp/one.toml', [])).to.deep.equal([{ pid: child.pid, program: 'warder' }])
      expect(await processesOf('/proc', '/tmp/two.toml', [5])).to.deep.equal([{ pid: 5, program: 'HSM host' }])
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  it('core dumps are forbidden, descriptors suffice, and memory may be locked as the unit says', () => {
    const judged = (limits: Readonly<Record<string, number>>, unit = '', openFiles: number | undefined = 30) =>
      judgeLimits({
        name: 'p',
        limits: new Map(Object.entries(limits)),
        openFiles,
        unit: directivesOf([`[Service]\n${unit}`]),
      }).map(({ check, status }) => `${check}: ${status}`)
    const good = { 'Max core file size': 0, 'Max open files': 65_536, 'Max locked memory': 65_536 }
    expect(judged(good)).to.deep.equal(['core dumps: ok', 'open files: ok'])
    expect(judged({ ...good, 'Max core file size': Infinity })).to.include('core dumps: warning')
    expect(judged({ ...good, 'Max open files': 256 })).to.include('open files: warning')
    expect(judged(good, '', 60_000)).to.include('open files: problem')
    expect(judged(good, 'LimitMEMLOCK=64K')).to.include('locked memory: ok')
    expect(judged(good, 'LimitMEMLOCK=16M')).to.include('locked memory: warning')
    expect(judged(good, 'LimitMEMLOCK=infinity')).to.include('locked memory: warning')
    expect(judged(good, 'LimitMEMLOCK=soon')).to.include('locked memory: not-checked')
    expect(judged({})).to.deep.equal(['core dumps: not-checked', 'open files: not-checked'])
  })
})
