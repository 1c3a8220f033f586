import { readFile, stat, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { hsmAccount, Machine } from './support/machine.ts'

const root = process.getuid?.() === 0

for (const separate of root ? [false, true] : [false])
  describe(`warder-hsm init --new-token, where the PIN is in a file${separate ? ' of another user' : ''}`, function () {
    this.timeout(60_000)
    let machine: Machine
    before(async () => {
      machine = await Machine.make({ separate })
      const text = await readFile(machine.config, 'utf8')
      await writeFile(
        machine.config,
        text.replace('{ credential = "hsm-pin" }', `{ file = "${machine.file('hsm/pin')}" }`),
      )
    })
    after(() => machine[Symbol.asyncDispose]())

    // it was told by `config check` that this makes it, and it did not
    it('makes the PIN, for those alone who read it, and keeps it the next time', async () => {
      const first = await machine.run('warder-hsm', ['init', '--new-token'])
      expect(first.code, first.stderr).to.equal(0)
      expect(first.stderr).to.include(`made a PIN: ${machine.file('hsm/pin')};`)
      const pin = await readFile(machine.file('hsm/pin'), 'utf8')
      expect(pin).to.match(/^[0-9a-f]{40}\n$/)
      const { mode, uid } = await stat(machine.file('hsm/pin'))
      expect([mode & 0o777, uid]).to.deep.equal([0o600, separate ? hsmAccount.uid : process.getuid?.()])
      const second = await machine.run('warder-hsm', ['init', '--new-token'])
      expect([second.code, second.stderr]).to.deep.equal([0, 'the token was prepared before; nothing was changed\n'])
      expect(await readFile(machine.file('hsm/pin'), 'utf8')).to.equal(pin)
    })
  })
