import { z } from 'zod'
import { sealBackup } from '../backup/seal.ts'
import { readVersion } from '../config/version.ts'
import { operation, type StreamedBytes } from './operation.ts'

const createBackup = operation({
  id: 'createBackup',
  method: 'POST',
  path: '/v1/backup',
  permission: 'admin',
  summary: 'A backup of the appliance, sealed to the recipient that the configuration of the HSM names',
  response: z.custom<StreamedBytes>(),
  streamed: true,
  status: 200,
  handle: async (engine, call) => {
    const backup = await engine.backups.create(call, readVersion())
    return { bytes: sealBackup(backup), headers: { 'Warder-Resident-Keys': String(backup.residentKeys) } }
  },
})

export const backupOperations = [createBackup] as const
