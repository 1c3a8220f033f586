import { Option, type Command } from 'commander'
import { examples, remark } from '../manual/notes.ts'
import { connected, withFormat, withOut } from './options.ts'

const defaultConfig = '/etc/warder/warder.toml'

const noInput = (): Option => new Option('--no-input', 'never ask; fail instead').env('WARDER_NO_INPUT')

/** What the private key of a backup's recipient takes. */
function withRecipientKey(command: Command): Command {
  return command
    .requiredOption('--recipient-key <file>', 'PEM: the private RSA key that the backup is sealed to')
    .option('--passphrase-file <file>', 'holds the passphrase of that key; asked for when absent')
    .addOption(noInput())
}

export function addBackupCommands(warder: Command): void {
  const backup = warder
    .command('backup')
    .description(
      'back the appliance up while it serves, sealed to the recipient that the configuration of the HSM names',
    )
  connected(withOut(backup, { encoded: false })).action(async flags => (await import('../backup.ts')).backup(flags))
  remark(
    backup,
    'The backup is the state at one record of the journal, exactly. Needs an API key with the permission admin in the space ' +
      'root. What it is made of, and how to restore it, is in docs/backup.md.',
  )
  examples(
    backup,
    'warder backup --out warder-backup.wb',
    'warder backup verify warder-backup.wb --recipient-key backup.key',
  )

  const verify = backup
    .command('verify')
    .description('read all of a backup, and say what it is; needs no appliance')
    .argument('<file>', 'the backup')
  withFormat(withRecipientKey(verify)).action(async (file, flags) =>
    (await import('../backup-verify.ts')).backupVerify(file, flags),
  )

  const restore = warder
    .command('restore')
    .description('restore a backup into an empty data directory and an empty store; overwrites nothing')
    .requiredOption('--from <file>', 'the backup')
    .option('--config <file>', 'warder.toml', defaultConfig)
    .option(
      '--journal <dir>',
      'a later copy of the old journal: what it takes away since the backup is taken away again',
    )
  withFormat(withRecipientKey(restore)).action(async flags => (await import('../restore.ts')).restore(flags))
  remark(
    restore,
    'Run on the host, after `warder-hsm restore` has put the root keys on a token and warder-hsm serves it. It may be repeated ' +
      'after an interruption, with the same options, and goes on.',
  )
  examples(restore, 'warder restore --from warder-backup.wb --recipient-key backup.key')
}

export function addAcceptLoss(audit: Command): void {
  const acceptLoss = audit
    .command('accept-loss')
    .description(
      'go on after damage to the journal: keep it as evidence, and open a new one that commits to its verified part',
    )
    .requiredOption('--reason <text>', 'why, for the new journal; in clear')
    .option('--config <file>', 'warder.toml', defaultConfig)
    .option('--yes', 'do not ask')
    .addOption(noInput())
  withFormat(acceptLoss).action(async flags => (await import('../audit-accept-loss.ts')).auditAcceptLoss(flags))
  remark(
    acceptLoss,
    'Run on the host while the appliance is stopped and warder-hsm runs. Refused when the journal is in order. What happened ' +
      'after the last verified record cannot be proven any more, and storage may have been rolled back to any state since.',
  )
  examples(acceptLoss, "warder audit accept-loss --reason 'disk failure, case 4711'")
}

export function addAdminCommands(warder: Command): void {
  const recover = warder
    .command('admin')
    .description('the administrator')
    .command('recover')
    .description("issue a new administrator's API key, when every one is lost; no other is revoked")
    .option('--config <file>', 'warder.toml', defaultConfig)
    .option('--admin-key-file <file>', 'write the key here, rather than to the terminal')
    .action(async flags => (await import('../admin-recover.ts')).adminRecover(flags))
  remark(recover, 'Run on the host while the appliance is stopped and warder-hsm runs. It is on record in the journal.')
  examples(recover, 'warder admin recover --admin-key-file /root/admin.key')
}

export function addVerifyStore(verify: Command): void {
  const store = verify
    .command('store')
    .description('hold every record in storage to the journal; exit code 0 when all are as it says, 1 when one is not')
    .option('--config <file>', 'warder.toml', defaultConfig)
  withFormat(store).action(async flags => (await import('../verify-store.ts')).verifyStore(flags))
  remark(
    store,
    'Run on the host while the appliance is stopped. Needs no HSM. A signed file of the name store is verified as ./store.',
  )
  examples(store, 'warder verify store')
}
