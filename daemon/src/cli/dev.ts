import { pino } from 'pino'
import { startDev } from '../dev/run.ts'
import { writeFileDurably } from '../durable-file.ts'
import { createLog } from '../log/create-log.ts'

export interface DevFlags {
  readonly readyFile?: string
  readonly dir?: string
  readonly port: number
}

export async function dev(flags: DevFlags): Promise<void> {
  const stopped = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  const log = createLog(pino.destination({ fd: 2, sync: true }), 'info')
  const appliance = await startDev({ dir: flags.dir, port: flags.port }, log)
  try {
    const { ready } = appliance
    process.stdout.write(banner(ready))
    if (flags.readyFile !== undefined) await writeFileDurably(flags.readyFile, `${JSON.stringify(ready)}\n`)
    await stopped
  } finally {
    await appliance[Symbol.asyncDispose]()
  }
}

function banner({ url, ca, apiKeyFile, dir }: { url: string; ca: string; apiKeyFile: string; dir: string }): string {
  return `
  ┌────────────────────────────────────────────────────────────────────────────┐
  │  WARDER DEVELOPMENT APPLIANCE: a software token, for this machine only.    │
  │  Do not put keys here that matter.                                         │
  └────────────────────────────────────────────────────────────────────────────┘

  serving    ${url}
  authority  ${ca}
  API key    ${apiKeyFile}
  files      ${dir}

  curl --cacert ${ca} -H "Authorization: Bearer $(cat ${apiKeyFile})" \\
       ${url}/v1/spaces/default/keys

  Ctrl-C ends it.
`
}
