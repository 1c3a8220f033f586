/**
 * Every collection there is, by name: where records may be that no journal tells of. `passing` ones hold what goes away in
 * normal service; a record of another collection that is missing was taken.
 */
export const collections: Readonly<Record<string, 'lasting' | 'passing'>> = {
  spaces: 'lasting',
  'api-keys': 'lasting',
  keys: 'lasting',
  'key-versions': 'lasting',
  'use-counters': 'lasting',
  'root-rotations': 'lasting',
  'import-keys': 'passing',
  idempotency: 'passing',
}

export const isPassing = (collection: string): boolean =>
  Object.hasOwn(collections, collection) && collections[collection] === 'passing'

/** These and those, each once. */
export const withKnown = (others: Iterable<string>): readonly string[] => [
  ...new Set([...Object.keys(collections), ...others]),
]
