import type { Act } from './acts.ts'
import type { Subject } from './subject.ts'

/** The key that the signing lanes use. */
export const signer = { space: 'default', name: 'signer' } as const

/** Makes the key to sign with, unless an earlier round has. */
export async function prepareLoad(subject: Subject, tell: (act: Act) => void): Promise<void> {
  await unlessThere(async () => {
    const { space, name } = signer
    tell({ act: 'begun', space, name })
    const { id, generation } = await subject.createKey(space, name, 'sealed')
    tell({ act: 'key', space, name, id, generation })
  })
}

/**
 * Sixteen callers that never stop: they make spaces and keys (pairs of them always after the same name), sign, issue and
 * revoke API keys. `tell` hears of an act once it was acknowledged, and never before. Each rejects when a call of its
 * own fails.
 */
export function loadWithoutEnd(subject: Subject, round: string, tell: (act: Act) => void): readonly Promise<never>[] {
  const createKey = async (space: string, name: string, custody: 'sealed' | 'resident'): Promise<void> => {
    tell({ act: 'begun', space, name })
    const { id, generation } = await subject.createKey(space, name, custody)
    tell({ act: 'key', space, name, id, generation })
  }
  const sign = async (space: string, name: string): Promise<void> => {
    const { request } = await subject.sign(space, name, Buffer.from(name))
    tell({ act: 'sign', request })
  }

  const lanes: Record<Kind, (n: number, lane: number) => Promise<void>> = {
    async apiKeys(n) {
      const { id, secret } = await subject.issue()
      const kept = n % 2 === 0
      tell({ act: 'api-key', id, secret, kept })
      if (kept) return
      const at = await subject.revoke(id)
      tell({ act: 'revoke', id, secret, at })
    },
    async spaces(n) {
      const name = `s-${round}-${n}`
      tell({ act: 'begun', space: name })
      await subject.createSpace(name)
      tell({ act: 'space', name })
      await createKey(name, 'first', 'sealed')
      await sign(name, 'first')
    },
    async resident(n) {
      const name = `r-${round}-${n}`
      await createKey('default', name, 'resident')
      for (let use = 0; use < 8; use++) await sign('default', name)
    },
    // both lanes of a pair want the same name
    sealed: (n, lane) => unlessThere(() => createKey('default', `k-${round}-${lane >> 1}-${n}`, 'sealed')),
    signing: () => sign(signer.space, signer.name),
  }
  const kinds: readonly Kind[] = ['apiKeys', 'spaces', 'resident', ...fill(5, 'sealed'), ...fill(8, 'signing')]
  return kinds.map(async (kind, lane): Promise<never> => {
    for (let n = 0; ; n++) await lanes[kind](n, lane)
  })
}

type Kind = 'apiKeys' | 'spaces' | 'resident' | 'sealed' | 'signing'

const fill = (count: number, kind: Kind): Kind[] => Array.from({ length: count }, () => kind)

async function unlessThere(create: () => Promise<void>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'key-exists') throw error
  }
}
