/** Tells the time as records have it (RFC 3339, UTC, milliseconds). The text is made once for each millisecond. */
export class Clock {
  readonly #now: () => Date
  #at = Number.NaN
  #text = ''

  constructor(now: () => Date) {
    this.#now = now
  }

  now(): string {
    const date = this.#now()
    const at = date.getTime()
    if (at !== this.#at) {
      this.#text = date.toISOString()
      this.#at = at
    }
    return this.#text
  }
}
