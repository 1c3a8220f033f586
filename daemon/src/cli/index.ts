#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { withFormat } from './commands/options.ts'
import { remark } from './manual/notes.ts'
import { run } from './run.ts'
import { addCommands } from './tree.ts'

// libuv reads it at first use: the journal's syncs must not wait for Argon2id.
process.env['UV_THREADPOOL_SIZE'] ??= '8'

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('must be a port number, or 0 for any free port.')
  return Number(text)
}

const defaultConfig = '/etc/warder/warder.toml'

const warder = new Command('warder').description(
  'A key-management appliance: keys in PKCS#11 HSMs, every use on record.',
)

warder
  .command('dev')
  .description('start a whole appliance with a software token, for development and tests')
  .option('--dir <dir>', 'keep everything here; without it, in a temporary directory that goes in the end')
  .option('--port <port>', 'serve on this port of the loopback interface; 0 is any free port', port, 8443)
  .option('--ready-file <file>', 'write { url, ca, apiKeyFile, dir, pid } here when it serves')
  .action(async flags => (await import('./dev.ts')).dev(flags))

warder
  .command('init')
  .description('make what the appliance needs and has not yet; may be run again, and overwrites nothing')
  .option('--config <file>', 'warder.toml', defaultConfig)
  .option('--admin-key-file <file>', "write the first administrator's key here, rather than to the terminal")
  .option('--transcript <file>', 'put the digest of this transcript of a key ceremony into the journal')
  .action(async flags => (await import('./init.ts')).init(flags))

warder
  .command('serve')
  .description('serve the appliance that the configuration describes, until told to stop; SIGHUP reloads')
  .option('--config <file>', 'warder.toml', defaultConfig)
  .action(async flags => (await import('./serve.ts')).serve(flags))

warder
  .command('tls')
  .description('the certificate that the appliance serves with')
  .command('renew')
  .description("issue a new certificate and key from the appliance's own authority")
  .option('--config <file>', 'warder.toml', defaultConfig)
  .action(async flags => (await import('./tls-renew.ts')).tlsRenew(flags))

warder
  .command('config')
  .description('the configuration')
  .command('check')
  .description('check the configuration, the files it names and its plugins, without starting anything')
  .option('--config <file>', 'warder.toml', defaultConfig)
  .action(async flags => (await import('./config-check.ts')).configCheck(flags))

const doctor = warder
  .command('doctor')
  .description('look for what is wrong on this machine, and say what mends it; exit code 1 when there is a problem')
  .option('--config <file>', 'warder.toml', defaultConfig)
withFormat(doctor).action(async flags => (await import('./doctor.ts')).doctor(flags))
remark(
  doctor,
  'Changes nothing, and asks no server. Each finding is ok, a note, a warning, a problem, or not checked: what could not be ' +
    'looked at is never called ok. As root it has `warder-hsm doctor` look at the token too, which logs in unless the token ' +
    'says that one more refused PIN would lock it. Warnings, notes and what was not checked leave the exit code at 0.',
)

addCommands(warder)

await run('warder', () => warder.parseAsync())
