import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'

const chunkBytes = 1 << 22

/** Whether a process has these bytes anywhere in memory that it may read or write (proc(5)). For a parent of it, or root. */
export function memoryHolds(pid: number, wanted: Buffer): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(chunkBytes)
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from !== '' && rangeHolds(memory, BigInt(`0x${from}`), BigInt(`0x${to}`), chunk, wanted)) return true
    }
    return false
  } finally {
    chunk.fill(0)
    closeSync(memory)
  }
}

function rangeHolds(memory: number, from: bigint, to: bigint, chunk: Buffer, wanted: Buffer): boolean {
  for (let at = from; at < to; at += BigInt(chunk.length - wanted.length)) {
    const length = Number(to - at < chunk.length ? to - at : BigInt(chunk.length))
    try {
      const read = readSync(memory, chunk, 0, length, at)
      if (chunk.subarray(0, read).includes(wanted)) return true
    } catch {
      // a mapping that went meanwhile, or that nobody can read
    }
  }
  return false
}

/** What a process was started with, of all that anyone can see: its command line and its environment. */
export function startOf(pid: number): string {
  return `${readFileSync(`/proc/${pid}/cmdline`, 'latin1')}${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
}

/** Every file below a directory, by path, as text of single bytes. */
export function filesBelow(directory: string): { readonly path: string; readonly text: string }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => `${entry.parentPath}/${entry.name}`)
    .map(path => ({ path, text: readFileSync(path, 'latin1') }))
}

/** The paths of what a process has open. */
export function openFilesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap(each => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${each}`)]
    } catch {
      return []
    }
  })
}
