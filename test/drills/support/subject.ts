/** What a drill needs of an appliance, by way of the engine itself or of HTTP. A refusal rejects with an error of that `code`. */
export interface Subject {
  createSpace(name: string): Promise<void>
  createKey(space: string, name: string, custody: 'sealed' | 'resident'): Promise<KeyFacts>
  key(space: string, name: string): Promise<KeyFacts>
  /** SubjectPublicKeyInfo, DER. */
  publicKey(space: string, name: string): Promise<Uint8Array>
  /** Signs with ES256; answers the DER form, and the request's id as the journal names it. */
  sign(space: string, name: string, message: Uint8Array): Promise<{ signature: Uint8Array; request: string }>
  issue(): Promise<{ id: string; secret: string }>
  /** Answers when it was revoked. */
  revoke(id: string): Promise<string>
  accepts(secret: string): Promise<boolean>
  spaces(): Promise<readonly string[]>
  keys(space: string): Promise<readonly KeyFacts[]>
  apiKeys(): Promise<readonly { readonly id: string; readonly revokedAt: string | null }[]>
}

export interface KeyFacts {
  readonly id: string
  readonly space: string
  readonly name: string
  readonly generation: number
  readonly primary: number
  readonly versions: readonly { readonly number: number }[]
}

/** The code a call is refused with; `undefined` when it is not. */
export async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

/** All pages of a list. */
export async function allOf<T>(
  page: (after: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
): Promise<T[]> {
  const items: T[] = []
  let after: string | undefined
  do {
    const { items: some, next } = await page(after)
    items.push(...some)
    after = next
  } while (after !== undefined)
  return items
}
