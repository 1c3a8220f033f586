import type { Command } from 'commander'
import type { permissions as known } from '@warder/core'
import { examples, remark } from '../manual/notes.ts'
import { connected, idempotent, list, withOut } from './options.ts'

const permissions = [
  'read',
  'use',
  'write',
  'delete',
  'consolidate',
  'introspect',
  'admin',
] as const satisfies typeof known

export function addStatus(warder: Command): void {
  const status = warder
    .command('status')
    .description('whether the appliance serves; exit code 0 when it does, 1 on an error, 2 when it is sealed')
  connected(status).action(async flags => (await import('../status.ts')).status(flags))
  remark(status, 'Needs no API key.')
}

export function addApiKeyCommands(warder: Command): void {
  const apiKey = warder.command('apikey').description('API keys')

  const create = apiKey
    .command('create')
    .description('make an API key; it is shown this once')
    .requiredOption('--identity <name>', 'who will use it')
    .requiredOption('--spaces <names>', 'where it may act: names with commas between them, or *', list)
    .requiredOption('--permissions <names>', `what it may do: ${permissions.join(', ')}`, list)
    .option('--expires <time>', 'when it ends: 12h, 90d, or a time (RFC 3339)', '90d')
  connected(withOut(create, { encoded: false })).action(async flags =>
    (await import('../api-key/create.ts')).apiKeyCreate(flags),
  )
  examples(create, 'warder apikey create --identity shop --spaces payments --permissions use,read --out shop.key')

  connected(apiKey.command('list').description('list API keys, without their secrets')).action(async flags =>
    (await import('../api-key/list.ts')).apiKeyList(flags),
  )

  const revoke = apiKey
    .command('revoke')
    .description('end an API key at once; a revoked key stays revoked')
    .argument('<id>', 'the id, which is the part of the key after wrd_')
  connected(revoke).action(async (id, flags) => (await import('../api-key/revoke.ts')).apiKeyRevoke(id, flags))

  const rotate = apiKey
    .command('rotate')
    .description('make an API key with the identity, spaces and permissions of another')
    .argument('<id>', 'the id of the one to replace')
    .option('--expires <time>', 'when the new one ends; as long from now as the old one was made for when absent')
    .option('--revoke-old', 'revoke the old one at once, when the new one is written')
  connected(withOut(rotate, { encoded: false })).action(async (id, flags) =>
    (await import('../api-key/rotate.ts')).apiKeyRotate(id, flags),
  )
  remark(
    rotate,
    'Both keys work until the old one is revoked or ends: deploy the new one, then run `warder apikey revoke` with the id of ' +
      'the old one, which the command tells.',
  )
  examples(rotate, 'warder apikey rotate 0123456789abcdef --out shop.next.key')
}

export function addSpaceCommands(warder: Command): void {
  const space = warder.command('space').description('spaces: tenant boundaries that keys and credentials belong to')
  const create = space
    .command('create')
    .description('create a space')
    .argument('<name>', 'its name')
    .option('--description <text>', 'what it is, for people')
  connected(idempotent(create)).action(async (name, flags) => (await import('../space.ts')).spaceCreate(name, flags))
  connected(space.command('list').description('list the spaces that the API key may act in')).action(async flags =>
    (await import('../space.ts')).spaceList(flags),
  )
  connected(space.command('show').description('describe a space').argument('<name>', 'its name')).action(
    async (name, flags) => (await import('../space.ts')).spaceShow(name, flags),
  )
}

export function addRootKeyCommands(warder: Command): void {
  const rootKey = warder.command('root-key').description('the root key, under which sealed keys are wrapped')
  connected(rootKey.command('status').description('the newest root key, and how much is wrapped under it')).action(
    async flags => (await import('../root-key.ts')).rootKeyStatus(flags),
  )
  connected(
    rootKey
      .command('rotate')
      .description('make the next root key, and rewrap every sealed key under it in the background'),
  ).action(async flags => (await import('../root-key.ts')).rootKeyRotate(flags))
}
