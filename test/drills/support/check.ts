import { createPublicKey, verify } from 'node:crypto'
import { type Act, Acknowledged } from './acts.ts'
import { codeOf, type KeyFacts, type Subject } from './subject.ts'

/** Everything that is not as these acts left it, in words; nothing when none of them was lost. Asks for each one. */
export async function checkActs(subject: Subject, acts: readonly Act[]): Promise<string[]> {
  const expected = new Acknowledged()
  expected.addAll(acts)
  const lost = [...expected.contradictions]
  const must = (holds: boolean, what: string): void => void (holds || lost.push(what))

  for (const name of expected.spaces) {
    must((await codeOf(subject.keys(name))) === undefined, `space ${name} is gone`)
    must((await codeOf(subject.createSpace(name))) === 'space-exists', `space ${name} can be made again`)
  }
  for (const [what, { space, name }] of expected.begun) {
    if (name === undefined ? expected.spaces.has(space) : expected.keys.has(what)) continue
    must(await isDoneOrCanBe(subject, space, name), `${what} was begun, and is neither there nor can be made`)
  }
  let signed = 0
  for (const { space, name, id, generation } of expected.keys.values()) {
    const found = await subject.key(space, name).catch((error: { code?: unknown }) => String(error.code))
    if (typeof found === 'string') {
      lost.push(`key ${space}/${name}: ${found}`)
      continue
    }
    must(found.id === id && found.generation === generation, `key ${space}/${name} is another key or generation`)
    must(hasWholeVersions(found), `key ${space}/${name} has gaps in its versions`)
    must(
      (await codeOf(subject.createKey(space, name, 'sealed'))) === 'key-exists',
      `${space}/${name} can be made again`,
    )
    if (signed++ < 4) must(await signs(subject, space, name), `key ${space}/${name} does not sign`)
    else must((await codeOf(subject.publicKey(space, name))) === undefined, `key ${space}/${name} has no public key`)
  }
  for (const [id, { secret, kept, revokedAt }] of expected.apiKeys) {
    if (kept) must(await subject.accepts(secret), `API key ${id} is refused`)
    if (!kept && revokedAt === undefined) await subject.revoke(id)
    if (!kept) must(!(await subject.accepts(secret)), `API key ${id} is accepted, and was revoked`)
  }
  return lost
}

async function isDoneOrCanBe(subject: Subject, space: string, name: string | undefined): Promise<boolean> {
  if (name === undefined) {
    const code = await codeOf(subject.createSpace(space))
    return code === undefined || code === 'space-exists'
  }
  const code = await codeOf(subject.createKey(space, name, 'sealed'))
  return (code === undefined || code === 'key-exists') && signs(subject, space, name)
}

/** The same for all acts there ever were, from complete lists. */
export async function checkEverything(subject: Subject, acts: readonly Act[]): Promise<string[]> {
  const expected = new Acknowledged()
  expected.addAll(acts)
  const lost = [...expected.contradictions]
  const must = (holds: boolean, what: string): void => void (holds || lost.push(what))

  const spaces = await subject.spaces()
  must(new Set(spaces).size === spaces.length, 'a space is listed twice')
  for (const name of expected.spaces) must(spaces.includes(name), `space ${name} is gone`)

  const found = new Map<string, KeyFacts>()
  for (const space of spaces) {
    for (const key of await subject.keys(space)) {
      must(!found.has(`${space}/${key.name}`), `key ${space}/${key.name} is listed twice`)
      must(hasWholeVersions(key), `key ${space}/${key.name} has gaps in its versions`)
      must((await codeOf(subject.publicKey(space, key.name))) === undefined, `${space}/${key.name} has no public key`)
      found.set(`${space}/${key.name}`, key)
    }
  }
  must(new Set([...found.values()].map(({ id }) => id)).size === found.size, 'two keys have one id')
  for (const [name, { id, generation }] of expected.keys) {
    const key = found.get(name)
    must(key?.id === id && key.generation === generation, `key ${name} is gone, or another`)
  }

  const apiKeys = new Map((await subject.apiKeys()).map(each => [each.id, each]))
  for (const [id, { kept, revokedAt = null }] of expected.apiKeys) {
    const apiKey = apiKeys.get(id)
    const certain = kept || revokedAt !== null
    must(apiKey !== undefined && (!certain || apiKey.revokedAt === revokedAt), `API key ${id} is not as it was left`)
  }
  return lost
}

function hasWholeVersions({ versions, primary }: KeyFacts): boolean {
  return (
    versions.length > 0 && primary <= versions.length && versions.every(({ number }, index) => number === index + 1)
  )
}

async function signs(subject: Subject, space: string, name: string): Promise<boolean> {
  const message = Buffer.from('after the kill')
  const { signature } = await subject.sign(space, name, message)
  const key = createPublicKey({ key: Buffer.from(await subject.publicKey(space, name)), format: 'der', type: 'spki' })
  return verify('sha256', message, key, signature)
}
