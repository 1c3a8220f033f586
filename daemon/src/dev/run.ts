import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Log, WarderError } from '@warder/contract'
import { Closer } from '../closer.ts'
import { compose, initialiseAppliance } from '../compose.ts'
import type { Config } from '../config/schema.ts'
import { writeFileDurably } from '../durable-file.ts'
import { layout, prepare } from './prepare.ts'
import { superviseHsm } from './supervisor.ts'

export interface DevOptions {
  /** Kept when given; else a temporary one that goes when this ends. */
  readonly dir?: string | undefined
  readonly port: number
}

/** What a tool or a test needs to use the appliance; `ca` and `apiKeyFile` are paths. */
export interface Ready {
  readonly url: string
  readonly ca: string
  readonly apiKeyFile: string
  readonly dir: string
  readonly pid: number
}

export interface DevAppliance extends AsyncDisposable {
  readonly ready: Ready
}

/** Starts a whole appliance with a software token: the same programs as in production, for this machine only. */
export async function startDev(options: DevOptions, log: Log): Promise<DevAppliance> {
  const closer = new Closer()
  const close = (): Promise<void> => closer[Symbol.asyncDispose]()
  try {
    const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'warder-')) : resolve(options.dir)
    if (options.dir === undefined) closer.defer(() => rm(dir, { recursive: true, force: true }))
    const at = layout(dir)
    const config = await prepare(dir, options.port)
    closer.push(superviseHsm(at.config, log))
    await ensureAdministrator(config, at.apiKey, log)
    const { url } = closer.push(await compose(config, log))
    return { ready: { url, ca: at.ca, apiKeyFile: at.apiKey, dir, pid: process.pid }, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close().catch((cause: unknown) => log.error('closing after a failed start failed', { cause: String(cause) }))
    throw error
  }
}

/** The file gets its name when its key works; until then a run that was cut short is taken up. */
async function ensureAdministrator(config: Config, file: string, log: Log): Promise<void> {
  if ((await readIfThere(file)) !== undefined) return
  const handedOut = `${file}.new`
  const { adminKey } = await initialiseAppliance(config, log, {
    delivered: (await readIfThere(handedOut))?.trim(),
    deliver: key => writeFileDurably(handedOut, `${key}\n`),
  })
  if (adminKey === undefined && (await readIfThere(handedOut)) === undefined) {
    throw new WarderError(
      'already-initialised',
      `The administrator's API key was issued before and ${file} is gone. Start in another directory.`,
    )
  }
  await rename(handedOut, file)
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}
