import { columns, terminal } from './columns.ts'
import { EndsWith } from './failure.ts'
import { printData } from './print.ts'
import { readiness, type State } from './readiness.ts'
import { withAnonymous } from './remote.ts'
import type { RemoteFlags } from './settings.ts'

const exitCodes: Readonly<Record<State, number>> = { ready: 0, failing: 1, sealed: 2 }

/** Unlike elsewhere, no answer is exit code 1: 2 is an appliance that is sealed. */
export async function status(flags: RemoteFlags): Promise<void> {
  const asked = withAnonymous(flags, async ({ client, url }) => {
    const { state, parts } = readiness(await client.probe('/readyz?verbose'))
    process.exitCode = exitCodes[state]
    if (flags.format !== 'table') return printData(flags.format, { addr: url.origin, status: state, parts })
    process.stdout.write(`${url.origin} is ${state}\n`)
    const rows = Object.entries(parts).map(([part, { ok, detail }]) => [part, ok ? 'ok' : 'failed', detail])
    if (rows.length > 0) process.stdout.write(columns(['PART', 'STATE', 'DETAIL'], rows, terminal()))
  })
  await asked.catch((error: unknown) => {
    throw new EndsWith(exitCodes.failing, error)
  })
}
