import type { Log } from '@warder/contract'
import type { Engine } from '@warder/core'
import { errorFields } from '../log/error-fields.ts'
import { transcriptsIn } from './transcripts.ts'

/** Journals the transcripts in the data directory that the journal does not tell of yet. A bad one keeps nobody from starting. */
export async function recordCeremonies(
  dataDir: string,
  engine: Pick<Engine, 'recordCeremony'>,
  log: Log,
): Promise<void> {
  const bad = (error: unknown): void => log.warn('a transcript of a key ceremony is not journaled', errorFields(error))
  for (const { digest } of await transcriptsIn(dataDir, bad)) {
    try {
      if (await engine.recordCeremony(digest)) log.info('journaled the transcript of a key ceremony', { digest })
    } catch (error) {
      bad(error)
    }
  }
}
