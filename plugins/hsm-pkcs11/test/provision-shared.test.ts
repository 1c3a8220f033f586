import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootKeyBackup, SealedRef, TokenRecord } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { plugin } from '../src/plugin.ts'
import { recipientFile, recipientKey } from './recipient-key.ts'
import {
  destroyOn,
  extractableOn,
  labelsOn,
  newTokens,
  openOne,
  provisionAll,
  sharedTokens,
  withOne,
  type Tokens,
} from './several-tokens.ts'
import {
  expectSigns,
  host,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  specOf,
  temporaryDirectory,
  withProvider,
} from './support.ts'

const rootKeys = ['warder/export-kek/1', 'warder/import-kek/1', 'warder/kek/1', 'warder/store/1']

describe('preparing several tokens', function () {
  this.timeout(60_000)
  let directory: string

  beforeEach(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(() => removeDirectory(directory))

  const prepareOne = ({ files }: Tokens, config: Config) => plugin.provision?.(config, files, op)
  const recordOf = ({ configs: [first, ...peers], files }: Tokens) => plugin.ceremony?.(first, files, op, peers)

  it('is one ceremony: what is sealed on any of them is used on every other', async () => {
    const tokens = await newTokens(directory, ['one', 'two', 'three'])
    const done = (await provisionAll(tokens)).map(line => line.replaceAll(/[0-9a-f]{16}/g, '…'))
    expect(done.slice(0, 4)).to.deep.equal([
      'initialised the token one, serial …',
      'initialised the token two, serial …',
      'initialised the token three, serial …',
      'made the root key warder/kek/1 on the tokens one (…), two (…), three (…)',
    ])
    const { configs } = tokens
    for (const [from, to] of [0, 1, 2].flatMap(one => [[one, (one + 1) % 3] as const, [one, (one + 2) % 3] as const])) {
      const key = await withOne(configs, from, sealedKey)
      await withOne(configs, to, provider => expectSigns(provider, key))
    }
    for (const config of configs) {
      expect(await labelsOn(config)).to.deep.equal(rootKeys)
      expect(await extractableOn(config)).to.deep.equal([])
    }
  })

  it('shares the root keys of exports and imports too', async () => {
    const { configs } = await sharedTokens(directory)
    const [exportable, importer] = await withOne(configs, 0, async provider => [
      await provider.generate(specOf({ exportable: true }), op),
      await provider.generate(specOf({ algorithm: 'RSA-4096', usage: 'import' }), op),
    ])
    await withOne(configs, 1, async provider => {
      const spki = importer?.spki ?? new Uint8Array()
      const wrapped = await provider.exportKey(exportable?.ref as SealedRef, spki, 'RSA-OAEP', op)
      const under = importer?.ref as SealedRef
      const half = exportable?.spki ?? new Uint8Array()
      const back = await provider.importKey({ under, oaep: 'RSA-OAEP', wrapped, spec: specOf(), spki: half }, op)
      await expectSigns(provider, back)
    })
  })

  it('leaves each its own store key', async () => {
    const { configs } = await sharedTokens(directory)
    const secret = randomBytes(32)
    const sealed = await withOne(configs, 0, provider => provider.sealStoreSecret(secret, op))
    await withOne(configs, 1, async provider => {
      expect((await refusal(provider.openStoreSecret(sealed, op))).code).to.equal('hsm-failed')
    })
    await withOne(configs, 0, async provider => {
      expect(Buffer.from(await provider.openStoreSecret(sealed, op))).to.deep.equal(secret)
    })
  })

  it('changes nothing when it is done again', async () => {
    const tokens = await sharedTokens(directory)
    const before = await recordOf(tokens)
    expect(await provisionAll(tokens)).to.deep.equal([])
    expect(await recordOf(tokens)).to.deep.equal(before)
  })

  it('gives a token that is added to others its store key, and leaves root keys to the next rotation', async () => {
    const tokens = await newTokens(directory)
    const { configs, files } = tokens
    await provisionAll(tokens)
    const [one] = configs
    const other: Config = { ...one, token: { label: 'three' } }
    const done = await plugin.provision?.(one, files, op, [configs[1], other])
    expect(done?.map(line => line.replaceAll(/[0-9a-f]{16}/g, '…'))).to.deep.equal([
      'initialised the token three, serial …',
      'made the store key warder/store/1 on the token three (…)',
      'the token three (…) has no root key yet: the next one brings it in (warder root-key rotate)',
    ])
    expect(await labelsOn(other)).to.deep.equal(['warder/store/1'])
  })

  it('puts every token on record, with check values that agree', async () => {
    const tokens = await sharedTokens(directory)
    const record = (await recordOf(tokens)) as TokenRecord
    const { peers = [] } = record
    expect(peers.map(({ token }) => token.label)).to.deep.equal(['two'])
    const [first, ...others] = [record, ...peers].map(({ keys }) =>
      keys.map(({ label, checkValue }) => `${label} ${label === 'warder/store/1' ? '' : checkValue}`),
    )
    expect(first).to.have.length(4)
    expect(others).to.deep.equal([first])
    for (const { attributes } of [record, ...peers].flatMap(({ keys }) => keys)) {
      expect(attributes).to.deep.include({ CKA_EXTRACTABLE: false, CKA_SENSITIVE: true, CKA_MODIFIABLE: false })
    }
  })

  it('refuses tokens that have root keys of two appliances, and makes nothing', async () => {
    const tokens = await newTokens(directory, ['one', 'two', 'three'])
    const [one, two, three] = tokens.configs
    for (const config of [one, two]) await prepareOne(tokens, config)
    const { serial } = await withProvider(two, async provider => (await provider.capabilities(op)).token)
    const both: Tokens = { ...tokens, configs: [one, two] }
    const rotate = () => withOne(both.configs, 0, provider => provider.createRootKey(op))
    for (const call of [() => provisionAll(tokens), () => recordOf(both), rotate]) {
      const error = await refusal(call() as Promise<unknown>)
      expect([error.code, error.facts['token']]).to.deep.equal(['already-initialised', serial])
    }
    expect(await labelsOn(three as Config)).to.deep.equal([])
    for (const config of both.configs) expect(await labelsOn(config)).to.deep.equal(rootKeys)
  })

  it('refuses to begin anew beside a single key of what were root keys', async () => {
    const tokens = await sharedTokens(directory)
    for (const config of tokens.configs) await destroyOn(config, 'warder/export-kek/1')
    const error = await refusal(provisionAll(tokens))
    expect([error.code, error.facts['key']]).to.deep.equal(['already-initialised', 'warder/kek/1'])
  })

  it('refuses one token under two names, and one module that is configured in two ways', async () => {
    const tokens = await sharedTokens(directory)
    const { files, configs } = tokens
    const [one] = configs
    const { serial } = await withProvider(one, async provider => (await provider.capabilities(op)).token)
    const again: Config = { ...one, token: { serial } }
    const provision = (peer: Config) => plugin.provision?.(one, files, op, [peer]) as Promise<unknown>
    expect((await refusal(provision(again))).facts).to.deep.include({ field: 'token', serial })
    const elsewhere: Config = { ...configs[1], environment: { SOFTHSM2_CONF: '/dev/null' } }
    await openOneAgainst(one, again)
    const error = await refusal(plugin.open(one, host, op, [elsewhere]).then(provider => createAndClose(provider)))
    expect([error.code, error.facts['field']]).to.deep.equal(['config-invalid', 'environment.SOFTHSM2_CONF'])
  })

  const createAndClose = async (provider: Awaited<ReturnType<typeof plugin.open>>) => {
    try {
      return await provider.createRootKey(op)
    } finally {
      await provider[Symbol.asyncDispose]()
    }
  }
  const openOneAgainst = async (one: Config, again: Config) => {
    const error = await refusal(plugin.open(one, host, op, [again]).then(createAndClose))
    expect([error.code, error.facts['field']]).to.deep.equal(['config-invalid', 'token'])
  }

  it('wraps to the backup recipient on every token, and brings all of them back from it', async () => {
    const tokens = await newTokens(directory)
    const backupRecipient = await recipientFile(directory, recipientKey())
    const configs = tokens.configs.map(config => ({ ...config, backupRecipient })) as unknown as Tokens['configs']
    const done = await provisionAll({ ...tokens, configs })
    expect(done.join('\n')).to.match(/two \([0-9a-f]+\), wrapped to the backup recipient/)
    const backupOf = (index: number) =>
      withOne(configs, index, provider => provider.rootKeyBackup?.(op) as Promise<RootKeyBackup>)
    const [backup, other] = [await backupOf(0), await backupOf(1)]
    for (const { missing, keys } of [backup, other]) expect([missing, keys.length]).to.deep.equal([[], 3])
    const key = await withOne(configs, 0, sealedKey)
    const fresh = await newTokens(join(directory, 'fresh'))
    const [first, ...peers] = fresh.configs
    const from = { keys: backup.keys, recipientKey: recipientKey().pkcs8.slice() }
    const restored = await plugin.restore?.(first, fresh.files, from, op, peers)
    expect(restored).to.include('restored the root key warder/kek/1 on the token two')
    for (const index of [0, 1]) await withOne(fresh.configs, index, provider => expectSigns(provider, key))
  })

  it('asks the operator once, for all tokens', async () => {
    const tokens = await newTokens(directory)
    const pin = await readFile(join(directory, 'pin-one'))
    await writeFile(join(directory, 'pin-two'), pin)
    await provisionAll(tokens)
    const configs = tokens.configs.map(config => ({ ...config, pin: { operator: true as const } }))
    let asked = 0
    const secret = () => Promise.resolve(Uint8Array.from(pin.subarray(0, -1))).finally(() => asked++)
    const provider = await plugin.open(configs[0] as Config, { ...host, secret }, op, configs.slice(1))
    try {
      const opened = asked
      expect(await provider.createRootKey(op)).to.equal(2)
      expect(asked, 'not after it was opened').to.equal(opened)
    } finally {
      await provider[Symbol.asyncDispose]()
    }
    await withOne(tokens.configs, 1, async other => expect(await other.newestRootKey(op)).to.equal(2))
  })

  it('a token that cannot be opened is no hindrance to opening another', async () => {
    const { configs } = await sharedTokens(directory)
    const lost: Config = { ...configs[1], token: { label: 'nowhere' } }
    const provider = await openOne([configs[0], lost], 0)
    try {
      await expectSigns(provider, await sealedKey(provider))
      const error = await refusal(provider.createRootKey(op))
      expect([error.code, error.facts['token']]).to.deep.equal(['hsm-unavailable', 'nowhere'])
      expect(await provider.newestRootKey(op)).to.equal(1)
    } finally {
      await provider[Symbol.asyncDispose]()
    }
    expect(await labelsOn(configs[0])).to.deep.equal(rootKeys)
  })
})
