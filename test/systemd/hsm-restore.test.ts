import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { appendFile, readdir, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { hsmAccount, Machine } from './support/machine.ts'

const main = fileURLToPath(new URL('support/hsm-restore-main.ts', import.meta.url))
const asRoot = process.getuid?.() === 0

interface Shown {
  readonly objects: readonly { readonly label: string }[]
  readonly backup: {
    readonly recipient: string
    readonly rootKeys: readonly { readonly name: string; readonly wrappedTo: readonly string[] }[]
  }
}

for (const separate of asRoot ? [false, true] : [false])
  describe(`warder-hsm restore with ${separate ? 'users of their own' : 'one user'}`, function () {
    this.timeout(120_000)
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
    const machines: Machine[] = []

    after(async () => {
      for (const machine of machines) await machine[Symbol.asyncDispose]()
    })

    const newMachine = async (): Promise<Machine> => {
      const machine = await Machine.make({ separate })
      machines.push(machine)
      const recipient = machine.file('etc/recipient.pem')
      await writeFile(recipient, publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 })
      await appendFile(machine.config, `backupRecipient = "${recipient}"\n`)
      return machine
    }
    const restore = async (machine: Machine, backup: string, key: string, ...flags: readonly string[]) => {
      const args = [...process.execArgv, main, backup, key, machine.config, ...flags]
      return promisify(execFile)(process.execPath, args, { timeout: 60_000 }).then(
        ({ stderr }) => ({ code: 0, stderr }),
        (error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
      )
    }
    /** What the operator sees, with the PIN as the service manager gives it. */
    const inspect = async (machine: Machine): Promise<Shown> => {
      const environment = { CREDENTIALS_DIRECTORY: machine.file('etc/credentials') }
      const { code, stdout, stderr } = await machine.run('warder-hsm', ['inspect'], { environment })
      expect(code, stderr).to.equal(0)
      return JSON.parse(stdout) as Shown
    }
    const names = ['warder/kek/1', 'warder/export-kek/1', 'warder/import-kek/1']

    it('puts the root keys on a new token, says what it did, and changes nothing when it is run again', async () => {
      const old = await newMachine()
      const made = await old.run('warder-hsm', ['init', '--new-token'])
      expect(made.stderr).to.match(/made the root keys .*, wrapped to the backup recipient/)
      const { backup } = await inspect(old)
      expect(backup.rootKeys).to.deep.equal(names.map(name => ({ name, wrappedTo: [backup.recipient] })))

      // the copies as they lie on the token: what a backup file takes along
      const machine = await newMachine()
      const [file, key] = [machine.file('backup.json'), machine.file('recipient.key')]
      await writeFile(file, JSON.stringify({ keys: await copiesOn(old) }))
      await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })

      const before = await restore(machine, file, key)
      expect([before.code, /put the token's PIN there/.test(before.stderr)]).to.deep.equal([1, true])
      const first = await restore(machine, file, key, '--new-token')
      expect(first.code, first.stderr).to.equal(0)
      const said = first.stderr.split('\n').filter(line => !line.startsWith('made a PIN'))
      expect(said.map(line => line.replace(/serial \w+$/, 'serial'))).to.deep.equal([
        'initialised the token warder, serial',
        ...names.map(name => `restored the root key ${name}`),
        'made the store key warder/store/1',
        'next: start warder-hsm, then restore the rest (warder restore); then make a new backup recipient',
        '',
      ])
      expect((await inspect(machine)).backup).to.deep.equal(backup)
      for (const token of await readdir(machine.file('hsm/tokens'))) {
        const { uid } = await stat(machine.file(`hsm/tokens/${token}`))
        expect(uid).to.equal(separate ? hsmAccount.uid : process.getuid?.())
      }

      const second = await restore(machine, file, key, '--new-token')
      expect([second.code, second.stderr.split('\n')[0]]).to.deep.equal([
        0,
        'the token had every root key of the backup; nothing was changed',
      ])
      const wrong = machine.file('wrong.key')
      const other = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
      await writeFile(wrong, other.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
      const refused = await restore(machine, file, wrong)
      expect([refused.code, /\[decryption-failed\]/.test(refused.stderr)]).to.deep.equal([1, true])
    })

    it('refuses a token that has root keys of its own, naming one', async () => {
      const [old, other] = [await newMachine(), await newMachine()]
      for (const machine of [old, other])
        expect((await machine.run('warder-hsm', ['init', '--new-token'])).code).to.equal(0)
      const [file, key] = [other.file('backup.json'), other.file('recipient.key')]
      await writeFile(file, JSON.stringify({ keys: await copiesOn(old) }))
      await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
      const { code, stderr } = await restore(other, file, key)
      expect([code, stderr]).to.deep.equal([
        1,
        'warder-hsm: the token has another root key of this name: warder/kek/1 [already-initialised]\n',
      ])
    })
  })

/** The wrapped root keys of a machine, as base64, asked of its plugin by a process of its own. */
async function copiesOn(machine: Machine): Promise<unknown> {
  const reader = fileURLToPath(new URL('support/read-copies.ts', import.meta.url))
  const env = { ...process.env, CREDENTIALS_DIRECTORY: machine.file('etc/credentials') }
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, reader, machine.config], { env })
  return JSON.parse(stdout) as unknown
}
