import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@warder/contract'
import { layout } from '../../../daemon/src/dev/prepare.ts'
import { startDev } from '../../../daemon/src/dev/run.ts'
import { superviseHsm } from '../../../daemon/src/dev/supervisor.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** An initialised appliance on a software token whose HSM hosts run, and whose API process does not. */
export interface Prepared extends AsyncDisposable {
  readonly dir: string
  readonly config: string
  readonly ca: string
  readonly apiKey: string
  readonly at: ReturnType<typeof layout>
}

export async function prepareAppliance(): Promise<Prepared> {
  const dir = await mkdtemp(join(tmpdir(), 'warder-systemd-'))
  const at = layout(dir)
  const dev = await startDev({ dir, port: 0 }, silent)
  await dev[Symbol.asyncDispose]()
  const supervisor = superviseHsm(at.config, silent)
  return {
    dir,
    at,
    config: at.config,
    ca: await readFile(at.ca, 'utf8'),
    apiKey: (await readFile(at.apiKey, 'utf8')).trim(),
    [Symbol.asyncDispose]: async () => {
      await supervisor[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
