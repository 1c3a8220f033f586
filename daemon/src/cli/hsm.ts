#!/usr/bin/env node
import { Command } from 'commander'
import { withFormat } from './commands/options.ts'
import { run } from './run.ts'

const hsm = new Command('warder-hsm').description(
  'The HSM side of a Warder appliance: holds the PIN, runs the HSM hosts.',
)

hsm
  .command('serve')
  .description('run the HSM hosts that the configuration names, until told to stop')
  .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
  .option('--exit-with-parent', 'end when stdin ends')
  .action(async flags => (await import('./hsm-serve.ts')).hsmServe(flags))

hsm
  .command('init')
  .description('prepare the token that the configuration names: root keys, and the token itself when asked to')
  .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
  .option(
    '--new-token',
    'initialise a free token under the name in the configuration, and make PINs where there are none',
  )
  .option('--pin-file <file>', 'holds the PIN, where the configuration leaves it to the operator; - is standard input')
  .option(
    '--present <name>',
    'somebody who is there, for the transcript; give it once for each',
    (name: string, before: readonly string[]) => [...before, name],
    [],
  )
  .option(
    '--transcript <file>',
    'where the transcript goes, which must not be there yet; default: ceremony-<time>.txt in the data directory',
  )
  .action(async flags => (await import('./hsm-init.ts')).hsmInit(flags))

const ceremony = hsm.command('ceremony').description('transcripts of key ceremonies, which warder-hsm init writes')

withFormat(
  ceremony
    .command('verify')
    .description('hold a transcript against the journal and the token; exit code 1 when it is not what they say')
    .argument('<file>', 'the transcript')
    .option('--dir <dir>', 'the journal, or a directory that holds it; default: that of the configuration')
    .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
    .option(
      '--pin-file <file>',
      'holds the PIN, where the configuration leaves it to the operator; - is standard input',
    ),
).action(async (file, flags) => (await import('./ceremony-verify.ts')).ceremonyVerify(file, flags))

hsm
  .command('restore')
  .description('put the root keys of a backup on the token that the configuration names, which has none yet')
  .requiredOption('--from <file>', 'the backup')
  .requiredOption('--recipient-key <file>', 'PEM: the private RSA key that the backup is sealed to')
  .option('--passphrase-file <file>', 'holds the passphrase of that key; asked for when absent')
  .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
  .option(
    '--new-token',
    'initialise a free token under the name in the configuration, and make PINs where there are none',
  )
  .option('--pin-file <file>', 'holds the PIN, where the configuration leaves it to the operator; - is standard input')
  .action(async flags => {
    const { hsmRestore } = await import('./hsm-restore.ts')
    const { readRecipientKey } = await import('./recipient-key.ts')
    const { readRootKeys } = await import('../backup/read-root-keys.ts')
    await hsmRestore(flags, await readRecipientKey(flags), readRootKeys)
  })

hsm
  .command('inspect')
  .description('show the token that the configuration names: identity, limits, mechanisms, objects by name; as JSON')
  .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
  .option('--pin-file <file>', 'holds the PIN, where the configuration leaves it to the operator; - is standard input')
  .action(async flags => (await import('./hsm-inspect.ts')).hsmInspect(flags))

withFormat(
  hsm
    .command('doctor')
    .description('look for what is wrong with the token, and say what mends it; exit code 1 when there is a problem')
    .option('--config <file>', 'warder.toml', '/etc/warder/warder.toml')
    .option(
      '--pin-file <file>',
      'holds the PIN, where the configuration leaves it to the operator; - is standard input',
    ),
).action(async flags => (await import('./hsm-doctor.ts')).hsmDoctor(flags))

hsm
  .command('dev-token')
  .description('make a software token for development')
  .requiredOption('--plugin <package>', 'the HSM plugin that makes it')
  .requiredOption('--dir <dir>', 'where it is put; the configuration for it goes to hsm.json there')
  .action(async flags => (await import('./hsm-dev-token.ts')).hsmDevToken(flags))

await run('warder-hsm', () => hsm.parseAsync())
