import { expect } from 'chai'
import { WarderError, type LogFields } from '@warder/contract'
import { createLog } from '../../src/log/create-log.ts'
import { errorFields } from '../../src/log/error-fields.ts'

function lines(
  write: (log: ReturnType<typeof createLog>) => void,
  level: 'debug' | 'warn' = 'debug',
): Record<string, unknown>[] {
  const written: string[] = []
  write(createLog({ write: line => void written.push(line) }, level))
  return written.map(line => JSON.parse(line) as Record<string, unknown>)
}

describe('the log', () => {
  it('writes one JSON object a line, with time, level, message and fields', () => {
    const [entry] = lines(log => log.info('it\nserves', { port: 8443, tls: true, absent: undefined }))
    expect(entry).to.include({ level: 'info', message: 'it\nserves', port: 8443, tls: true })
    expect(new Date(String(entry?.['time'])).toISOString()).to.equal(entry?.['time'])
    expect(entry).to.not.have.any.keys('absent', 'pid', 'hostname')
  })

  it('leaves out what is below its level', () => {
    expect(lines(log => (log.info('a'), log.warn('b')), 'warn').map(({ message }) => message)).to.deep.equal(['b'])
  })

  it('never prints the value of a field named like a secret', () => {
    const names = [
      'secret',
      'clientSecret',
      'pin',
      'userPin',
      'PIN',
      'password',
      'access_token',
      'authorization',
      'apiKey',
      'private-key',
      'set-cookie',
      'pinFile',
    ]
    const [entry] = lines(log => log.info('x', Object.fromEntries(names.map(name => [name, 'cAnArY']))))
    for (const name of names) expect(entry?.[name], name).to.equal('[redacted]')
  })

  it('prints fields that only sound like one', () => {
    const fields = { ping: 'a', tokenLabel: 'b', keyId: 'c', key: 'd', spinning: 'e', tokenSerial: 'f' }
    expect(lines(log => log.info('x', fields))[0]).to.include(fields)
  })

  it('masks API keys wherever they stand', () => {
    const key = 'wrd_0123456789abcdef_AbC-_9'
    const [entry] = lines(log => log.warn(`presented ${key}!`, { note: `(${key})`, other: key }))
    expect(JSON.stringify(entry)).to.not.match(/0123456789|AbC/)
    expect(entry).to.include({ message: 'presented wrd_[redacted]!', note: '(wrd_[redacted])' })
  })

  it('prints nothing but text, numbers and truth values, and lets no field replace its own', () => {
    const hostile = { bytes: Buffer.from('cAnArY'), nested: { a: 'cAnArY' }, time: 'x', level: 'y', message: 'z' }
    const [entry] = lines(log => log.info('x', hostile as unknown as LogFields))
    expect(JSON.stringify(entry)).to.not.include('cAnArY')
    expect(entry).to.include({ level: 'info', message: 'x', level_: 'y' })
  })
})

describe('an error in the log', () => {
  it('keeps the message of a WarderError, and of others only name, code and places', () => {
    const disk = Object.assign(new Error('cAnArY'), { code: 'ENOSPC' })
    const fields = errorFields(new WarderError('storage-unavailable', 'the write failed', { cause: disk }))
    expect(fields).to.include({ code: 'storage-unavailable', error: 'the write failed', cause: 'Error ENOSPC' })
    expect(String(fields['at'])).to.match(/^at .*log\.test/)
    expect(JSON.stringify(fields)).to.not.include('cAnArY')
  })

  it('survives what is no error, and causes that lead in a circle', () => {
    expect(errorFields('text')).to.deep.equal({})
    const a = new Error('a')
    a.cause = a
    expect(errorFields(a)['cause']).to.be.a('string')
  })
})
