import type { Command } from 'commander'
import { examples, remark } from '../manual/notes.ts'
import { wholeNumber, withFormat } from './options.ts'
import { addAcceptLoss } from './recovery.ts'

export function addAuditCommands(warder: Command): void {
  const audit = warder.command('audit').description('the journal')

  const verify = audit
    .command('verify')
    .description('check every byte of a journal, offline')
    .requiredOption('--dir <dir>', 'the journal, or the data directory it is in')
  withFormat(verify).action(async flags => (await import('../audit-verify.ts')).auditVerify(flags))

  const tail = audit
    .command('tail')
    .description('show the newest records of a journal on this machine, those that all filters fit')
    .requiredOption('--dir <dir>', 'the journal, or the data directory it is in')
    .option('--key <name>', 'about this key, by name or id')
    .option('--actor <identity>', 'of this identity')
    .option('--request-id <id>', 'of this request')
    .option('--since <time>', 'from this time on: 15m, 12h, 7d ago, or a time (RFC 3339)')
    .option('--lines <number>', 'so many; 10 when absent, and all with --since', wholeNumber(0, 1_000_000))
    .option('--follow', 'go on with what is written, until interrupted')
  withFormat(tail).action(async flags => (await import('../audit-tail.ts')).auditTail(flags))
  remark(
    tail,
    'Only committed records are shown, each checked against its hash. As JSON it is one record to a line, as YAML one document. ' +
      '`warder audit verify` checks the whole journal.',
  )
  examples(
    tail,
    'warder audit tail --dir /var/lib/warder --key orders --since 1h',
    'warder audit tail --dir /var/lib/warder --follow --format json',
  )

  addAcceptLoss(audit)
}
