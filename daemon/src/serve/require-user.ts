import { WarderError } from '@warder/contract'
import { findUser } from '../systemd/accounts.ts'

/**
 * Files made by another user, above all by root, keep the rightful one from starting later. So only that one may run.
 * @throws WarderError `config-invalid` naming the field.
 */
export async function requireUser(field: 'user' | 'hsm.user', name: string | undefined): Promise<void> {
  if (name === undefined) return
  const { uid } = await findUser(name)
  if (process.geteuid?.() === uid) return
  throw new WarderError(
    'config-invalid',
    `This is to be run by ${name}, whom ${field} names: use systemctl start, or runuser -u ${name} -- …`,
    { facts: { field } },
  )
}
