/** A page in a fixed order. `next` is opaque and goes back as `after`; it is absent on the last page. */
export interface ListPage<T> {
  readonly items: readonly T[]
  readonly next?: string
}

export interface ListQuery {
  /** 1 to 1,000. */
  readonly limit: number
  readonly after?: string | undefined
}
