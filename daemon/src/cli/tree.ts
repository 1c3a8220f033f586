import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { addApiKeyCommands, addRootKeyCommands, addSpaceCommands, addStatus } from './commands/admin.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addCryptoCommands } from './commands/crypto.ts'
import { addDocuments } from './commands/documents.ts'
import { addKeyCommands } from './commands/key.ts'
import { addAdminCommands, addBackupCommands } from './commands/recovery.ts'
import { addSealingCommands } from './commands/sealing.ts'

/** Adds the commands that talk to an appliance, and those that read what one left. Each loads what it needs when it runs. */
export function addCommands(warder: Command): void {
  // `warder key … --version` is not this one.
  warder.enablePositionalOptions().version(ownVersion(), '--version', 'show the version of this program')
  addStatus(warder)
  addSealingCommands(warder)
  addKeyCommands(warder)
  addCryptoCommands(warder)
  addApiKeyCommands(warder)
  addSpaceCommands(warder)
  addRootKeyCommands(warder)
  addAuditCommands(warder)
  addBackupCommands(warder)
  addAdminCommands(warder)
  addDocuments(warder)
}

/** Without the schemas that other readers of it load: this runs before every command. */
function ownVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}
