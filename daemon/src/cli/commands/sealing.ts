import type { Command } from 'commander'
import { remark } from '../manual/notes.ts'
import { withFormat } from './options.ts'

const defaultConfig = '/etc/warder/warder.toml'

/** What an operator does on the appliance's host, as root or as the user of warder-hsm. */
export function addSealingCommands(warder: Command): void {
  const unseal = warder
    .command('unseal')
    .description('start the HSM hosts of a sealed appliance, on its host, with the PIN where that is with the operator')
    .option('--config <file>', 'warder.toml', defaultConfig)
    .option('--pin-file <file>', 'holds the PIN; - is standard input')
    .option('--no-input', 'never ask; fail instead')
  withFormat(unseal).action(async flags => (await import('../sealing.ts')).unseal(flags))
  remark(
    unseal,
    'For root and the user of warder-hsm. Asks for the PIN when the configuration says `pin = { operator = true }`; else the ' +
      'PIN is read again from where it is. A PIN is tried once: one that the token refused is not tried again. ' +
      '`--pin-file -` takes it from another command, such as systemd-ask-password(1).',
  )

  const seal = warder
    .command('seal')
    .description('end the HSM hosts of the appliance on this host at once, and have it forget the PIN')
    .option('--config <file>', 'warder.toml', defaultConfig)
  withFormat(seal).action(async flags => (await import('../sealing.ts')).seal(flags))
  remark(
    seal,
    'For root and the user of warder-hsm. No key can be used until `warder unseal`. Where the configuration says where the ' +
      'PIN is, starting warder-hsm again unseals too: `systemctl mask warder-hsm` keeps it from that.',
  )
}
