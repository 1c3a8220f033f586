import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { FullDiskReport } from './full-disk-child.ts'
import { withDirectory } from './support.ts'

const program = fileURLToPath(new URL('full-disk-child.ts', import.meta.url))

async function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(command, args)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/**
 * Runs the program on a disk small enough to be filled: one that it mounts in namespaces of its own, or, where that is
 * forbidden, as in most containers, their small /dev/shm.
 */
async function onSmallDisk(): Promise<FullDiskReport> {
  const node = [process.execPath, ...process.execArgv, program]
  const namespaces = await run('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  const { code, out, err } =
    namespaces.code === 0
      ? await withDirectory(disk => run('unshare', ['-Urm', ...node, disk, 'mount']))
      : await inSharedMemory(disk => run(node[0] as string, [...node.slice(1), disk]))
  if (code !== 0 || err !== '') throw new Error(err)
  return JSON.parse(out) as FullDiskReport
}

async function inSharedMemory<T>(use: (disk: string) => Promise<T>): Promise<T> {
  const { bavail, bsize } = await statfs('/dev/shm')
  if (bavail * bsize > 1 << 28) throw new Error('no disk can be mounted, and /dev/shm is too large to be filled')
  const disk = await mkdtemp('/dev/shm/warder-journal-')
  try {
    return await use(disk)
  } finally {
    await rm(disk, { recursive: true, force: true })
  }
}

describe('a journal on a disk that is full', () => {
  let report: FullDiskReport
  before(async () => {
    report = await onSmallDisk()
  })

  it('refuses what it cannot write, and everything after that', () => {
    expect(report.refusals).to.deep.equal(['no-space', 'no-space'])
    expect(report.healthy).to.equal(false)
  })

  it('has all that was acknowledged, and a last record that says why it stopped', () => {
    expect(report.onDisk).to.deep.equal([...report.acknowledged, 'journal:stop no-space'])
    expect(report.tail).to.equal(0)
  })

  it('makes no new segment, and leaves nothing of the attempt', () => {
    expect(report.newSegment).to.equal('no-space')
    expect(report.files).to.deep.equal(['0000000000000000.log'])
  })

  it('does not start without room for its last record', () => {
    expect(report.startOnFullDisk).to.equal('no-space')
  })

  it('goes on when there is room, with a reserve again', () => {
    expect(report.afterRoom).to.deep.equal([...report.onDisk, 'journal:open', 'after'])
    expect(report.reserve).to.equal(131_072)
  })
})
