import type { Manifest } from '@warder/core'
import { BackupFile } from '../backup/open.ts'
import { openBackupFile } from '../backup/read-root-keys.ts'
import { damaged } from '../backup/header.ts'
import { type Format, type Pairs, printThing } from './print.ts'
import { type Report, withProgress } from './progress.ts'
import { readRecipientKey, type RecipientKeyFlags } from './recipient-key.ts'

export interface BackupVerifyFlags extends RecipientKeyFlags {
  readonly format: Format
}

interface Found extends Manifest {
  readonly recipient: string
  readonly sha256: string
  readonly size: number
  /** By name. */
  readonly rootKeys: readonly string[]
}

/** Reads all of a backup and says what it is. Changes nothing, and needs no appliance. */
export async function backupVerify(file: string, flags: BackupVerifyFlags): Promise<void> {
  const key = await readRecipientKey(flags)
  const handle = await openBackupFile(file)
  try {
    const backup = await BackupFile.over(handle, key)
    try {
      const found = await withProgress('backup', backup.size, report => read(backup, report))
      await printThing(flags.format, found, fieldsOf)
    } finally {
      backup.close()
    }
  } finally {
    await handle.close()
  }
}

async function read(backup: BackupFile, report: Report): Promise<Found> {
  const rootKeys: string[] = []
  let manifest: Manifest | undefined
  for await (const part of backup.parts(report)) {
    if (part.part === 'root-key') rootKeys.push(`${part.purpose}/${part.number}`)
    if (part.part === 'manifest') {
      const { part: _, ...rest } = part
      manifest = rest
    }
  }
  if (manifest === undefined) throw damaged()
  return { ...manifest, rootKeys, recipient: backup.recipient, sha256: await backup.digest(), size: backup.size }
}

function fieldsOf({
  point,
  node,
  time,
  software,
  records,
  residentKeys,
  rootKeys,
  recipient,
  sha256,
  size,
}: Found): Pairs {
  return [
    ['made', `${time} by Warder ${software} on ${node}`],
    ['state of', `record ${point.seq} of journal ${point.origin}`],
    ['hash', point.hash],
    ['records', String(records)],
    ['root keys', rootKeys.join(', ')],
    ['not in it', residentKeys.map(({ space, key, version }) => `${space}/${key} v${version}`).join(', ') || 'nothing'],
    ['recipient', recipient],
    ['size', `${size} bytes`],
    ['sha256', sha256],
  ]
}
