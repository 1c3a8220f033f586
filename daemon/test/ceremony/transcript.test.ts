import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { RootKeyRecord } from '@warder/contract'
import { compareKeys } from '../../src/ceremony/compare.ts'
import { readTranscript } from '../../src/ceremony/read-transcript.ts'
import { recordCeremonies } from '../../src/ceremony/record.ts'
import { type Ceremony, writeTranscript } from '../../src/ceremony/transcript.ts'
import { reserveTranscript } from '../../src/ceremony/transcript-file.ts'
import { readTranscriptFile, transcriptName, transcriptsIn } from '../../src/ceremony/transcripts.ts'
import { createLog } from '../../src/log/create-log.ts'
import { rejection } from '../hsm/support/until.ts'

const key = (label: string, checkValue: string | null): RootKeyRecord => ({
  label,
  id: '00112233445566778899aabbccddeeff',
  algorithm: 'AES-256',
  attributes: { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false, CKA_LOCAL: null },
  checkValue,
  checkedBy: 'AES key wrap with padding',
  wrappedTo: [],
})

const ceremony: Ceremony = {
  at: new Date('2026-03-01T12:00:00.123Z'),
  host: 'hsm-1',
  node: 'machine',
  configuration: '/etc/warder/warder.toml',
  software: { version: '0.1.0', node: 'v20.19.0', packageLock: 'ab'.repeat(32) },
  present: ['Ada Lovelace', 'Bjørn Ødegård'],
  done: ['made the root keys'],
  pins: ['hsm.config.pin: credential hsm-pin'],
  record: {
    module: { path: '/usr/lib/m.so', sha256: 'cd'.repeat(32), library: 'SoftHSM 2.6' },
    token: { label: 'warder', serial: '0a1b', manufacturer: 'M', model: 'X', firmware: '2.6' },
    backupRecipient: undefined,
    keys: [key('warder/kek/1', '0123456789abcdef'), key('warder/store/1', null)],
  },
}

describe('the transcript of a key ceremony', () => {
  it('says who, when, where, what, and which keys; each person has a line to sign', () => {
    const { text, digest } = writeTranscript(ceremony)
    for (const line of [
      'Date             2026-03-01T12:00:00.123Z',
      'Software         warder 0.1.0, Node.js v20.19.0',
      '  Bjørn Ødegård',
      '  made the root keys',
      '  serial         0a1b',
      'Key warder/kek/1',
      '  check value    0123456789abcdef',
      '  true           CKA_SENSITIVE',
      '  not told       CKA_LOCAL',
      '  none: the root keys below die with this token',
    ])
      expect(text.split('\n')).to.include(line)
    expect(text.match(/_{30} {3}date _{14}/g)).to.have.length(2)
    // as a person checks it: head -n -1 FILE | sha256sum
    const [last = ''] = text.trimEnd().split('\n').slice(-1)
    expect(last).to.equal(`SHA-256 of the text above this line: ${digest}`)
    expect(
      createHash('sha256')
        .update(text.slice(0, text.lastIndexOf(last)))
        .digest('hex'),
    ).to.equal(digest)
  })

  it('is read back as it was written', () => {
    const { text, digest } = writeTranscript(ceremony)
    expect(readTranscript(text)).to.deep.equal({
      digest,
      stated: digest,
      tokens: [
        {
          serial: '0a1b',
          keys: [
            { label: 'warder/kek/1', checkValue: '0123456789abcdef' },
            { label: 'warder/store/1', checkValue: null },
          ],
        },
      ],
    })
  })

  it('tells each of several tokens apart, whatever the people who are there call themselves', () => {
    const { record } = ceremony
    const peer = {
      ...record,
      token: { ...record.token, serial: '2c3d' },
      keys: [key('warder/kek/1', '0123456789abcdef')],
    }
    const { text } = writeTranscript({
      ...ceremony,
      present: ['serial           ffff'],
      record: { ...record, peers: [peer] },
    })
    expect(text).to.match(/^Token 2 of 2, which shares the root keys$/m)
    expect(readTranscript(text)?.tokens).to.deep.equal([
      ...(readTranscript(writeTranscript(ceremony).text)?.tokens ?? []),
      { serial: '2c3d', keys: [{ label: 'warder/kek/1', checkValue: '0123456789abcdef' }] },
    ])
  })

  it('shows every change of it, and is none without its first and last line', () => {
    const { text } = writeTranscript(ceremony)
    fc.assert(
      fc.property(fc.nat({ max: text.length - 2 }), fc.constantFrom('x', '0', ' ', '\n'), (at, put) => {
        fc.pre(text[at] !== put)
        const read = readTranscript(text.slice(0, at) + put + text.slice(at + 1))
        return read === undefined || read.digest !== read.stated
      }),
    )
    for (const other of ['', '\n', text.slice(0, -1), text.split('\n').slice(1).join('\n'), `${text}\n`])
      expect(readTranscript(other)).to.equal(undefined)
  })

  it('lets nobody write a line of their own: not a person, not a token', () => {
    const forged = 'x\nKey warder/kek/9\n  check value    ffffffffffffffff'
    const token = { ...ceremony.record.token, serial: '0a1b\u2028  serial          ff' }
    const { text } = writeTranscript({
      ...ceremony,
      present: [forged],
      done: [forged],
      record: { ...ceremony.record, token, keys: [key(`warder/kek/1\r\n${forged}`, '0123456789abcdef')] },
    })
    const keys = readTranscript(text)?.tokens.flatMap(each => each.keys)
    expect(keys?.filter(({ label }) => label.endsWith('/9'))).to.deep.equal([])
    expect(text).not.to.match(/^Key warder\/kek\/9$/m)
    expect(text).not.to.contain('\u2028')
  })

  it('is held against a token key by key', () => {
    const read = readTranscript(writeTranscript(ceremony).text)?.tokens[0]
    const now = [key('warder/kek/1', 'ffffffffffffffff'), key('warder/store/1', null), key('warder/kek/2', '00')]
    expect(compareKeys(read ?? { keys: [] }, { keys: now })).to.deep.equal([
      { key: 'warder/kek/1', verdict: 'other' },
      { key: 'warder/store/1', verdict: 'unproven' },
      { key: 'warder/kek/2', verdict: 'later' },
    ])
    expect(compareKeys(read ?? { keys: [] }, ceremony.record).map(({ verdict }) => verdict)).to.deep.equal([
      'same',
      'unproven',
    ])
    expect(compareKeys(read ?? { keys: [] }, { keys: [] }).map(({ verdict }) => verdict)).to.deep.equal([
      'missing',
      'missing',
    ])
  })

  describe('as a file', () => {
    let directory: string
    beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'warder-ceremony-'))))
    afterEach(() => rm(directory, { recursive: true, force: true }))

    it('never replaces another, and leaves nothing where nothing was written', async () => {
      const path = join(directory, 'transcript')
      const one = await reserveTranscript(path, undefined)
      expect((await rejection(reserveTranscript(path, undefined))).message).to.contain('is there already')
      await one.write(writeTranscript(ceremony).text)
      await one.close()
      expect((await readTranscriptFile(path)).tokens[0]?.serial).to.equal('0a1b')
      expect((await rejection(reserveTranscript(path, undefined))).message).to.contain('is there already')
      await (await reserveTranscript(join(directory, 'unused'), undefined)).close()
      expect((await rejection(readTranscriptFile(join(directory, 'unused')))).message).to.contain('ENOENT')
    })

    it('is found in the data directory and journaled once; one that was changed is named and passed over', async () => {
      const [good, bad] = [writeTranscript(ceremony), writeTranscript({ ...ceremony, host: 'other' })]
      await writeFile(join(directory, transcriptName(ceremony.at)), good.text)
      await writeFile(join(directory, transcriptName(new Date(0))), bad.text.replace('other', 'else'))
      await writeFile(join(directory, 'notes.txt'), 'x')
      expect(transcriptName(ceremony.at)).to.equal('ceremony-20260301T120000123Z.txt')
      const journaled: string[] = []
      let logged = ''
      const log = createLog({ write: line => void (logged += line) }, 'info')
      const engine = { recordCeremony: async (digest: string) => journaled.push(digest) === 1 }
      await recordCeremonies(directory, engine, log)
      expect(journaled).to.deep.equal([good.digest])
      expect(logged).to.contain('ceremony-19700101T000000000Z.txt was changed').and.to.contain(good.digest)
      expect(await transcriptsIn(join(directory, 'absent'))).to.deep.equal([])
    })
  })
})
