import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface ConfigDirectory extends AsyncDisposable {
  readonly path: string
  readonly main: string
  write(name: string, text: string): Promise<string>
}

/** A directory for warder.toml and what is beside it. */
export async function configDirectory(): Promise<ConfigDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'warder-config-'))
  return {
    path,
    main: join(path, 'warder.toml'),
    write: async (name, text) => {
      const file = join(path, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text, { mode: 0o600 })
      return file
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** A configuration that is whole, and whose paths are all below `dir`. */
export const wholeConfig = (dir: string): string => `node = "n1"
dataDir = "${dir}/data"
credentialsDir = "${dir}/credentials"

[listen]
host = "127.0.0.1"
port = 0

[tls]
certificate = "${dir}/tls/server.pem"
key = "${dir}/tls/server.key"

[plugins]
allow = ["@warder/storage-sqlite", "@warder/hsm-pkcs11"]

[storage]
plugin = "@warder/storage-sqlite"
config = { file = "${dir}/data/store.sqlite" }

[hsm]
plugin = "@warder/hsm-pkcs11"
runDir = "${dir}/run"

[hsm.config]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = { label = "warder" }
pin = { file = "${dir}/pin" }
stateDir = "${dir}/state"
`
