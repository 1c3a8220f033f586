import { pino } from 'pino'
import { createLog } from '../log/create-log.ts'
import { acceptLoss, type Loss, type LossAccepted } from '../recovery/accept-loss.ts'
import { asOwner } from '../recovery/as-owner.ts'
import { CliError } from './failure.ts'
import { type Format, note, printData } from './print.ts'
import { ask, canAsk } from './prompt.ts'

export interface AcceptLossFlags {
  readonly reason: string
  readonly config: string
  readonly yes?: boolean
  readonly input: boolean
  readonly format: Format
}

const longestReason = 500

export async function auditAcceptLoss(flags: AcceptLossFlags): Promise<void> {
  const reason = flags.reason.trim()
  if (reason === '' || reason.length > longestReason) {
    throw new CliError(`The reason goes into the journal: 1 to ${longestReason} characters.`, '--reason TEXT')
  }
  const log = createLog(pino.destination({ fd: 2, sync: true }), 'error')
  const accepted = await asOwner(flags.config, config =>
    acceptLoss(config, { reason, log, confirm: loss => confirm(loss, flags) }),
  )
  if (flags.format !== 'table') await printData(flags.format, accepted)
  else for (const line of linesOf(accepted)) note(line)
}

async function confirm(loss: Loss, { yes = false, input }: AcceptLossFlags): Promise<void> {
  for (const line of lossLines(loss)) note(line)
  if (yes) return
  if (!canAsk({ input }))
    throw new CliError('This needs to be confirmed; nothing was changed.', 'repeat the command with --yes')
  const typed = await ask('What comes after that cannot be proven any more. Type "lost" to go on: ')
  if (typed.trim() !== 'lost') throw new CliError('Nothing was changed.')
}

function lossLines({ end, endedAt = '', fault }: Loss): readonly string[] {
  return [
    fault,
    end === undefined
      ? 'nothing of the journal could be verified'
      : `verified up to record ${end.seq} of ${end.origin}, ${endedAt}`,
  ]
}

function linesOf({ origin, evidence, doubtful }: LossAccepted): readonly string[] {
  return [
    `the journal goes on as ${origin}`,
    ...(evidence === undefined ? [] : [`the damaged one is kept: ${evidence}`]),
    ...(doubtful.length === 0
      ? ['every record in storage is as the verified part left it']
      : [`${doubtful.length} records are not as the verified part left them:`]),
    ...doubtful.map(
      ({ collection, id, found, adopted }) =>
        `  ${found.padEnd(11)}  ${collection}/${id}  ${adopted ? 'taken as it is' : 'refused when it is used'}`,
    ),
  ]
}
