import type { WarderCode } from '@warder/contract'

/** The command that helps with a problem of the appliance, for the problems that have one. */
export const remedies: Readonly<Partial<Record<WarderCode, string>>> = {
  'body-too-large': '`warder sign`, `verify` and `encrypt` take files of any size; 64 KiB is the limit of one request',
  'missing-credentials': '--token-file FILE or WARDER_TOKEN_FILE names the file of an API key',
  'invalid-credentials': 'an administrator makes a new API key with `warder apikey create`',
  forbidden: 'an administrator can make an API key that may, with `warder apikey create --permissions`',
  'space-not-found': '`warder space list` shows the spaces you may use; --space names one',
  'key-not-found': '`warder key list` shows the keys of the space; --space names another',
  'key-exists': 'choose another name: a name is never used twice, not even after a destruction',
  'version-not-found': '`warder key versions KEY` shows the versions',
  'version-below-minimum': '`warder key show KEY` shows the minimums',
  'unknown-algorithm': '`warder key create --help` lists the algorithms of keys',
  'algorithm-mismatch': '`warder key show KEY` shows the algorithm of the key',
  'usage-not-allowed': '`warder key show KEY` shows what the key is for',
  'wrong-state':
    '`warder key show KEY` shows the state; `enable`, `resume` and `restore` lead back where that is possible',
  'decryption-failed': 'the key, the space, --aad and the file must all be those of the encryption',
  'not-exportable': 'only a key made with `warder key create --exportable` can be exported',
  'use-limit-reached': '`warder key rotate KEY` makes a fresh version',
  'import-key-not-found': 'run `warder key import` again: each run takes a fresh import key',
  'precondition-failed': 'somebody changed the key meanwhile: look with `warder key show KEY`, then repeat',
  'stale-revision': 'repeat the command',
  'idempotency-conflict': 'use a fresh --idempotency-key for another request',
  'api-key-not-found': '`warder apikey list` shows the API keys',
  'unsupported-mechanism':
    'choose another --algorithm, or another --custody: some HSMs keep some keys only as resident ones',
  sealed: '`warder status` shows why the appliance does not serve; on its host, `warder unseal` unseals it',
  'hsm-unavailable': '`warder status` shows the state of the HSM',
  'storage-unavailable': '`warder status` shows the state of the storage',
  'journal-unavailable': '`warder status` shows the state of the journal; free its disk, then restart the appliance',
  'journal-corrupt':
    'keep the files as evidence; on its host, `warder audit verify --dir DIR` says where the damage is',
  'backup-not-possible': 'see docs/backup.md: hsm.config.backupRecipient, then `warder root-key rotate`',
  'not-initialised': '`warder init` on the host of the appliance makes what is missing',
}
