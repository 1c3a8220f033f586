import { type Command, Option } from 'commander'
import { keyAlgorithms, keyUsages, oaepAlgorithms } from '@warder/contract'
import type { Act } from '../key/act.ts'
import type { keyStates, revocationReasons } from '@warder/core'
import { examples } from '../manual/notes.ts'
import { idempotent, inSpace, list, pair, versionNumber, wholeNumber, withOut } from './options.ts'

const custodies = ['resident', 'sealed'] as const
const states = ['enabled', 'disabled', 'pending-destruction', 'destroyed'] as const satisfies typeof keyStates
const reasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const satisfies typeof revocationReasons

const keyVersion = (): Option =>
  new Option('--key-version <number>', 'of this version; the primary one when absent').argParser(versionNumber)
const yes = (): Option => new Option('--yes', 'do not ask whether this is meant')

export function addKeyCommands(warder: Command): void {
  const key = warder.command('key').description('keys and their life')
  const ofKey = (name: string, description: string): Command =>
    key.command(name).description(description).argument('<key>', 'the name of the key')

  addMaking(ofKey)
  addLooking(key, ofKey)
  addLife(ofKey)
  addMoving(ofKey)
}

type OfKey = (name: string, description: string) => Command

/** What is chosen when a key comes to be. */
function withNewKey(command: Command): Command {
  return command
    .addOption(
      new Option('--usage <usage>', 'what it is for, for life; the first that fits when absent').choices(keyUsages),
    )
    .addOption(
      new Option('--custody <custody>', 'sealed: stored wrapped; resident: never leaves the HSM').choices(custodies),
    )
    .option('--exportable', 'it may be exported, wrapped; this can never be changed')
    .option('--tag <name=value>', 'a tag; may be repeated', pair)
    .option('--description <text>', 'what it is, for people')
}

function addMaking(ofKey: OfKey): void {
  const create = withNewKey(
    ofKey('create', 'make a key in the HSM').addOption(
      new Option('--algorithm <algorithm>', 'what kind of key').choices(keyAlgorithms).makeOptionMandatory(),
    ),
  ).option('--rotate-every-days <days>', 'rotate it at this age', wholeNumber(1, 3650))
  inSpace(idempotent(create)).action(async (name, flags) => (await import('../key/create.ts')).keyCreate(name, flags))
  examples(
    create,
    'warder key create orders --algorithm P-256 --tag team=shop',
    'warder key create cards --algorithm AES-256',
  )

  const tag = ofKey('tag', 'show the tags of a key, or set and remove some; all others stay')
    .argument('[name=value...]', 'tags to set')
    .option('--remove <names>', 'tags to remove, with commas between them; may be repeated', list)
  inSpace(tag).action(async (name, tags, flags) => (await import('../key/tag.ts')).keyTag(name, tags, flags))
  examples(tag, 'warder key tag orders team=shop stage=test --remove owner')
}

function addLooking(key: Command, ofKey: OfKey): void {
  const listing = key
    .command('list')
    .description('list the keys of a space, those that all filters fit')
    .addOption(new Option('--state <state>', 'in this state').choices(states))
    .addOption(new Option('--algorithm <algorithm>', 'of this algorithm').choices(keyAlgorithms))
    .addOption(new Option('--custody <custody>', 'of this custody').choices(custodies))
    .option('--tag <name=value>', 'with this tag; a name alone is any value')
    .option('--prefix <text>', 'whose names begin so')
    .option('--limit <number>', 'show so many at most', wholeNumber(1, 1_000_000))
  inSpace(listing).action(async flags => (await import('../key/list.ts')).keyList(flags))

  inSpace(ofKey('show', 'describe a key')).action(async (name, flags) =>
    (await import('../key/show.ts')).keyShow(name, flags),
  )
  inSpace(ofKey('versions', 'list the versions of a key')).action(async (name, flags) =>
    (await import('../key/versions.ts')).keyVersions(name, flags),
  )
  const publicKey = ofKey('public', 'write the public half of a key')
    .addOption(keyVersion())
    .addOption(new Option('--form <form>', 'SubjectPublicKeyInfo as PEM or DER').choices(['pem', 'der']).default('pem'))
  inSpace(withOut(publicKey, { encoded: false })).action(async (name, flags) =>
    (await import('../key/public.ts')).keyPublic(name, flags),
  )
}

function addLife(ofKey: OfKey): void {
  const simple = (name: Act, description: string, more: (command: Command) => Command = command => command): void => {
    inSpace(more(ofKey(name, description))).action(async (key, flags) =>
      (await import('../key/act.ts')).keyAct(name, key, undefined, flags),
    )
  }
  const ofVersion = (name: Act, description: string): void => {
    const command = ofKey(name, description).argument('<version>', 'the number of the version', versionNumber)
    inSpace(command).action(async (key, version, flags) =>
      (await import('../key/act.ts')).keyAct(name, key, version, flags),
    )
  }
  simple('rotate', 'make a new version, which protects from now on; the one before is deactivated', idempotent)
  ofVersion('rollback', 'let a deactivated version protect again')
  simple('enable', 'let a disabled key be used again')
  simple('disable', 'stop every use of a key until it is enabled')
  ofVersion('suspend', 'stop every use of one version until it is resumed')
  ofVersion('resume', 'put a suspended version back to the state it was suspended in')
  simple('revoke', 'mark one version, or all of them, as compromised, for good', command =>
    command
      .addOption(new Option('--reason <reason>', 'why (RFC 5280)').choices(reasons).makeOptionMandatory())
      .addOption(new Option('--key-version <number>', 'only this version').argParser(versionNumber))
      .option('--date <time>', 'since when it is compromised (RFC 3339); now when absent')
      .addOption(yes()),
  )
  simple('destroy', 'stop every use of a key, and destroy it when its window has passed', command =>
    command
      .option('--window-days <days>', 'how long it can still be restored; 30 when absent', wholeNumber(7, 30))
      .addOption(yes()),
  )
  simple('restore', 'take a destruction back while its window is open; the key comes back disabled')
}

function addMoving(ofKey: OfKey): void {
  const bring = withNewKey(
    ofKey('import', 'bring a key of your own; it is wrapped on this machine and unwrapped in the HSM')
      .argument('<file>', 'a private key as PEM, or the bytes of a secret key; - is standard input')
      .addOption(
        new Option('--algorithm <algorithm>', 'of a secret key; that of a private key is seen').choices(keyAlgorithms),
      )
      .option('--passphrase-file <file>', 'holds the passphrase of the private key, if it has one'),
  )
  inSpace(idempotent(bring)).action(async (name, file, flags) =>
    (await import('../key/import.ts')).keyImport(name, file, flags),
  )
  examples(
    bring,
    'warder key import payments payments.pem',
    'head -c 32 /dev/urandom | warder key import legacy - --algorithm AES-256',
  )
  const take = ofKey('export', 'take a key out that was made exportable, wrapped to the RSA key of a recipient')
    .requiredOption('--recipient <file>', 'the public key of the recipient, as PEM')
    .addOption(new Option('--oaep <algorithm>', 'how to encrypt to the recipient').choices(oaepAlgorithms))
    .addOption(keyVersion())
  inSpace(withOut(take)).action(async (name, flags) => (await import('../key/export.ts')).keyExport(name, flags))
  examples(take, 'warder key export backups --recipient recipient.pem --out backups.wrapped --encoding binary')
}
