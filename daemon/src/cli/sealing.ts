import { WarderError } from '@warder/contract'
import { loadConfig } from '../config/load.ts'
import { type ControlPlace, type Ordered, orderSupervisor } from '../hsm/control-client.ts'
import type { ControlRequest } from '../hsm/control-protocol.ts'
import { sharingOf } from '../systemd/sharing.ts'
import { CliError, EndsWith, exitCodes } from './failure.ts'
import { type PinFlags, readPin } from './pin.ts'
import { type Format, note, type Pairs, printThing } from './print.ts'

interface SealFlags {
  readonly config: string
  readonly format: Format
}

export async function seal({ config, format }: SealFlags): Promise<void> {
  const done = await order(await placeOf(config), { op: 'seal' })
  if (!done.changed) note('It was sealed before; nothing was changed.')
  await show(format, done)
}

export async function unseal(flags: SealFlags & PinFlags): Promise<void> {
  const place = await placeOf(flags.config)
  const { status } = await order(place, { op: 'status' })
  if (status.pin === 'configured' && flags.pinFile !== undefined) {
    throw new CliError('The configuration says where the PIN is.', 'repeat the command without --pin-file')
  }
  const refused = status.tokens?.some(token => token.refused) ?? false
  const idle = status.state === 'sealed' || status.state === 'refused' || refused
  const pin = idle && status.pin === 'operator' ? await readPin(flags) : undefined
  try {
    const done = await order(place, { op: 'unseal', ...(pin && { pin }) })
    if (!done.changed) note('It is not sealed; nothing was changed, and no PIN was tried.')
    await show(flags.format, done)
  } finally {
    pin?.fill(0)
  }
}

async function placeOf(file: string): Promise<ControlPlace> {
  const { hsm } = await loadConfig(file)
  return { runDir: hsm.runDir, sharing: await sharingOf(hsm) }
}

/** What warder-hsm refuses, or does not answer, ends with another exit code than what is wrong on this side. */
async function order(place: ControlPlace, request: ControlRequest): Promise<Ordered> {
  try {
    return await orderSupervisor(place, request)
  } catch (error) {
    const local = WarderError.is(error, 'forbidden') || (WarderError.is(error, 'config-invalid') && isOurs(error))
    throw local ? error : new EndsWith(exitCodes.remote, error)
  }
}

/** What is wrong with the run directory is said without asking anyone. */
const isOurs = ({ facts }: WarderError): boolean => facts['field'] === 'runDir'

function show(format: Format, { changed, status }: Ordered): Promise<void> {
  return printThing(format, { changed, ...status }, fieldsOf)
}

function fieldsOf({ state, pin, ready, hosts, error, tokens = [] }: Ordered['status']): Pairs {
  return [
    ['HSM side', state],
    ['HSM hosts', `${ready} of ${hosts} ready`],
    ...tokens.map((token, index) => [`token ${index + 1}`, hostsOf(token)] as const),
    ['PIN', pin === 'operator' ? 'with the operator' : 'where the configuration says'],
    ...(error === undefined ? [] : [['last failure', `${error.message} [${error.code}]`] as const]),
  ]
}

type TokenStatus = NonNullable<Ordered['status']['tokens']>[number]

function hostsOf({ ready, hosts, refused, error }: TokenStatus): string {
  const said = error === undefined ? '' : `: ${error.message} [${error.code}]`
  return `${ready} of ${hosts} hosts ready${refused ? ', refused until warder unseal' : ''}${said}`
}
