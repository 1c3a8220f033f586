import { loadConfig } from '../config/load.ts'
import { renewTls } from '../init/tls-material.ts'
import { findUser } from '../systemd/accounts.ts'

export async function tlsRenew({ config: file }: { config: string }): Promise<void> {
  const config = await loadConfig(file)
  const owner = config.user === undefined ? undefined : await findUser(config.user)
  await renewTls(config, owner, line => process.stderr.write(`${line}\n`))
  const restart = config.tls.key.startsWith('credential:')
  process.stderr.write(
    restart
      ? 'a credential is read when the unit starts: systemctl restart warder (warder.socket keeps callers waiting, none is refused)\n'
      : 'to serve with it: systemctl reload warder\n',
  )
}
