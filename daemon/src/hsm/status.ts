import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { warderCodes } from '@warder/contract'
import { z } from 'zod'
import { statusPath } from './run-directory.ts'

/**
 * Glossary
 * - host `starting` (opening the token), `ready`, `waiting` (dead, to be started again), `recycling`
 *   (ending, or starting anew, because it had served long enough), `failed` (refused for good), `stopped`.
 * - supervisor `starting` (no host was ready yet), `serving`, `refused` (a host of each token met what only an operator can
 *   mend: nothing is started any more, hosts that still serve go on), `sealed` (nothing is started until an operator unseals; hosts that
 *   are left are ending), `stopped`.
 */
const failure = z.object({ code: z.enum(warderCodes), message: z.string(), facts: z.record(z.string(), z.unknown()) })

const statusSchema = z.object({
  state: z.enum(['starting', 'serving', 'refused', 'sealed', 'stopped']),
  /** How often this supervisor was sealed, so that who looks now and then sees also what was short. */
  seals: z.int().min(0).default(0),
  hosts: z.array(
    z.object({
      index: z.int(),
      /** Where there are several: which one it is for, counted from 0 in the order of the configuration. */
      token: z.int().min(0).exactOptional(),
      pid: z.int().nullable(),
      state: z.enum(['starting', 'ready', 'waiting', 'recycling', 'failed', 'stopped']),
      socket: z.string(),
      error: failure.optional(),
    }),
  ),
})

export type SupervisorStatus = z.infer<typeof statusSchema>
export type HostStatus = SupervisorStatus['hosts'][number]
export type HostFailure = z.infer<typeof failure>

/** Readers see the old file or the new one, never half of one. */
export async function writeStatus(runDir: string, status: SupervisorStatus, mode = 0o600): Promise<void> {
  const temporary = `${statusPath(runDir)}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await chmod(temporary, mode)
    await rename(temporary, statusPath(runDir))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** `undefined` when there is no status, or none that can be understood. */
export async function readStatus(runDir: string): Promise<SupervisorStatus | undefined> {
  try {
    const parsed = statusSchema.safeParse(JSON.parse(await readFile(statusPath(runDir), 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
