#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { run } from './run.ts'

// libuv reads it at first use: the journal's syncs must not wait for Argon2id.
process.env['UV_THREADPOOL_SIZE'] ??= '8'

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('must be a port number, or 0 for any free port.')
  return Number(text)
}

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
  .command('audit')
  .description('the journal')
  .command('verify')
  .description('check every byte of a journal, offline')
  .requiredOption('--dir <dir>', 'the journal, or the data directory it is in')
  .action(async flags => (await import('./audit-verify.ts')).auditVerify(flags))

await run('warder', () => warder.parseAsync())
