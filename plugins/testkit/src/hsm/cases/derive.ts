import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertTurnedAway, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, spec, type Bench } from '../bench.ts'
import type { Entrances } from '../importing.ts'
import { agree, knownKey, newPair, publicKey, spkiOf } from '../independent.ts'

const curves = ['P-256', 'P-384', 'P-521'] as const
const others = { 'P-256': 'P-384', 'P-384': 'P-521', 'P-521': 'P-256' } as const

export function deriveCases<Config>(bench: Bench<Config>, entrances: Entrances<Config>): CaseTable {
  return {
    'an agreement gives the x-coordinate that the peer arrives at, or is refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        for (const curve of curves) {
          const where = claims.custodies(curve, 'derive')
          const peer = newPair(curve)
          if (where.length === 0) {
            await assertUnsupported(provider.derive(nobody(curve, 'derive'), spkiOf(peer.publicKey), op), curve)
          }
          for (const custody of where) {
            const { ref, spki = new Uint8Array() } = await provider.generate(spec(curve, 'derive', { custody }), op)
            for (const { publicKey: theirs, privateKey } of [peer, newPair(curve)]) {
              const secret = await provider.derive(ref, spkiOf(theirs), op)
              assertBytes(secret, agree(privateKey, spki), `${curve}, ${custody}`)
            }
          }
        }
      }),

    'an agreement of a known key is that made outside': entrances.case(async (token, door) => {
      if (door === undefined) return
      for (const curve of curves) {
        for (const custody of token.claims.custodies(curve, 'derive')) {
          const known = knownKey(curve)
          const { ref } = await door.bring(known, { usage: 'derive', custody })
          const peer = newPair(curve)
          const secret = await token.provider.derive(ref, spkiOf(peer.publicKey), op)
          assertBytes(secret, agree(peer.privateKey, known.spki ?? new Uint8Array()), `${curve}, ${custody}`)
        }
      }
    }),

    'a peer that is no public key of the same curve is refused, and the next agreement is made': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        for (const curve of curves) {
          const [custody] = claims.custodies(curve, 'derive')
          if (custody === undefined) continue
          const { ref, spki = new Uint8Array() } = await provider.generate(spec(curve, 'derive', { custody }), op)
          const peer = newPair(curve)
          const good = spkiOf(peer.publicKey)
          const bad: readonly (readonly [string, Uint8Array])[] = [
            ['another curve', spkiOf(newPair(others[curve]).publicKey)],
            ['an RSA key', spkiOf(newPair('RSA-2048').publicKey)],
            ['an Ed25519 key', spkiOf(newPair('Ed25519').publicKey)],
            ['x25519', Buffer.from('302a300506032b656e032100'.concat('09'.padEnd(64, '0')), 'hex')],
            // the last byte is of y, which has but two values for this x
            ['a point off the curve', flipped(good, good.length - 1)],
            ['the point at infinity', atInfinity(good)],
            ['coordinates of zero', good.map((byte, at) => (at > good.length - 2 * coordinate(curve) - 1 ? 0 : byte))],
            ['nothing', new Uint8Array()],
            ['cut short', good.subarray(0, -1)],
            ['a byte too many', Buffer.concat([good, Buffer.alloc(1)])],
            ['random bytes', randomBytes(good.length)],
          ]
          for (const [what, wrong] of bad) await assertTurnedAway(provider.derive(ref, wrong, op), `${curve}: ${what}`)
          assertBytes(await provider.derive(ref, good, op), agree(peer.privateKey, spki), 'the next agreement')
        }
        assert.equal((await provider.health(op)).ok, true, 'bad input does not break the token')
      }),
  }
}

function coordinate(curve: (typeof curves)[number]): number {
  return Math.ceil(Number(curve.slice(2)) / 8)
}

/** The same SPKI with the single byte 00 for its point (SEC 1 section 2.3.3), lengths put right. */
function atInfinity(spki: Uint8Array): Uint8Array {
  const { x = '' } = publicKey(spki).export({ format: 'jwk' })
  const point = Buffer.from(x, 'base64url').length * 2 + 1
  const header = Buffer.from(spki).subarray(0, spki.length - point)
  // SEQUENCE { AlgorithmIdentifier, BIT STRING }: the identifier is found by its own length
  const start = (header[1] ?? 0) < 0x80 ? 2 : 2 + ((header[1] ?? 0) & 0x7f)
  const identifier = header.subarray(start, start + 2 + (header[start + 1] ?? 0))
  return Buffer.concat([Buffer.from([0x30, identifier.length + 4]), identifier, Buffer.from([0x03, 0x02, 0x00, 0x00])])
}
