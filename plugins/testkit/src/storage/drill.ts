/** What the writer process does and the suite expects of it: a body told by id and revision, and which records go again. */
export function bodyOf(id: string, revision: number): Uint8Array {
  return new TextEncoder().encode(`${id}@${revision} `.repeat(1 + (revision % 3) * 200))
}

export const lastRevision = 3

/** Ids end in a number; records of odd numbers are deleted after their last revision. */
export function isDeletedInTheEnd(id: string): boolean {
  return /[13579]$/.test(id)
}
