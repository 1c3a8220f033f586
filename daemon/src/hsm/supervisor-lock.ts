import { randomBytes } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { WarderError } from '@warder/contract'
import { supervisorSocketPath } from './run-directory.ts'

/**
 * One supervisor for a run directory: whoever listens on its `supervisor.sock`. The kernel ends the listening with the
 * process, so a lock cannot outlive its holder; the file it leaves is recognised by nobody answering, and removed.
 *
 * @throws WarderError `config-invalid` with the fact `already-running`.
 */
export async function lockRunDirectory(runDir: string): Promise<() => Promise<void>> {
  const path = supervisorSocketPath(runDir)
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await listen(path)
    if (server !== undefined) return () => new Promise(resolve => server.close(() => resolve()))
    if (await answers(path)) break
    await removeStale(path)
  }
  throw new WarderError('config-invalid', 'Another warder-hsm is already running on this run directory', {
    facts: { field: 'runDir', reason: 'already-running' },
  })
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    // being connected to is all that it is for
    const server = createServer(socket => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    const before = process.umask(0o177)
    try {
      server.listen(path, () => resolve(server))
    } finally {
      process.umask(before)
    }
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

/** Moved aside and asked once more before it is removed: between the question and now another may have begun to listen. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    if (await answers(aside)) await link(aside, path)
  } finally {
    await rm(aside, { force: true })
  }
}
