import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkFiles, judgeData, judgeSockets } from '../../../src/doctor/checks/files.ts'
import type { DoctorContext } from '../../../src/doctor/context.ts'

describe('doctor: files', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warder-doctor-'))
    for (const name of ['data', 'data/journal', 'run']) await mkdir(join(dir, name), { mode: 0o700 })
    await writeFile(join(dir, 'data/journal/0.log'), '', { mode: 0o600 })
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const look = () => {
    const config = { dataDir: join(dir, 'data'), hsm: { runDir: join(dir, 'run'), hosts: 1 } }
    return checkFiles({ config, file: '/c' } as unknown as DoctorContext)
  }

  it('are well when they are for one user alone', async () => {
    const [data] = await look()
    expect(data).to.include({ status: 'ok', found: `2 files and directories, of uid ${process.geteuid?.()} alone` })
  })

  it('that others may read are named, each with the command that ends it', async () => {
    const open = join(dir, 'data/journal/0.log')
    await chmod(open, 0o644)
    const [data] = await look()
    expect(data).to.include({ status: 'problem', found: `${open} has mode 0644`, fix: `chmod go= ${open}` })
  })

  it('of another user are named', () => {
    const facts = { path: '/d/x', kind: 'file', uid: 7, gid: 7, mode: 0o600 } as const
    expect(judgeData([facts], 5)).to.deep.include.members([
      {
        check: 'files below the data directory',
        status: 'problem',
        found: '/d/x belongs to uid 7',
        why: 'whoever reaches it reads, or changes, what nobody else may',
        fix: 'chown 5 /d/x',
      },
    ])
  })

  it('a directory that cannot be read is not called well', async () => {
    await rm(join(dir, 'data'), { recursive: true })
    expect((await look())[0]).to.include({ status: 'not-checked' })
  })

  it('sockets: none is not checked; one that others may open is a problem', async () => {
    expect((await look()).at(-1)).to.include({ check: 'sockets', status: 'not-checked' })
    const path = join(dir, 'run/hsm-0.sock')
    const server = createServer().listen(path)
    await once(server, 'listening')
    try {
      await chmod(path, 0o600)
      expect((await look()).at(-1)).to.include({ check: 'sockets', status: 'ok' })
      await chmod(path, 0o666)
      expect((await look()).at(-1)).to.include({ check: 'sockets', status: 'problem' })
    } finally {
      server.close()
    }
  })

  it('sockets that are shared belong to the user of the hosts and the group of the callers', () => {
    const socket = { path: '/r/hsm-0.sock', kind: 'socket', uid: 5, gid: 6, mode: 0o660 } as const
    const status = { path: '/r/hsm-status.json', kind: 'file', uid: 5, gid: 6, mode: 0o640 } as const
    const judged = (change: object, sharing = { uid: 5, gid: 6 }) =>
      judgeSockets([{ ...socket, ...change }], status, sharing).map(finding => finding.status)
    expect(judged({})).to.deep.equal(['ok'])
    expect(judged({ gid: 7 })).to.deep.equal(['problem'])
    expect(judged({ uid: 7 })).to.deep.equal(['problem'])
    expect(judged({ mode: 0o666 })).to.deep.equal(['problem'])
  })
})
