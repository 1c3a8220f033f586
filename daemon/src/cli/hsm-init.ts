import { initHsm } from '../init/hsm.ts'

export async function hsmInit({ config, newToken = false }: { config: string; newToken?: boolean }): Promise<void> {
  await initHsm({ file: config, newToken, say: line => process.stderr.write(`${line}\n`) })
}
