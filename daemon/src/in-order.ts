export interface Place<T> {
  value: T | undefined
  before: Place<T> | undefined
  after: Place<T> | undefined
}

/**
 * Things in the order they came; each goes in constant time. For what comes and goes with every request, in place of a Set or
 * a Map: V8 makes their hash table anew every so many entries, and the old one refers to the new. Once a table has got into
 * the old generation, all that follow it do, with what was in them: then no request is gone before the next full collection,
 * and a scavenge takes several times as long.
 */
export class InOrder<T extends object> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined

  add(value: T): Place<T> {
    const place: Place<T> = { value, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    return place
  }

  /** Idempotent. What is gone refers to nothing. */
  remove(place: Place<T>): void {
    if (place.value === undefined) return
    const { before, after } = place
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    place.value = place.before = place.after = undefined
  }

  /** The one that has been here longest. */
  get first(): T | undefined {
    return this.#first?.value
  }

  values(): readonly T[] {
    const values: T[] = []
    for (let place = this.#first; place?.value !== undefined; place = place.after) values.push(place.value)
    return values
  }

  takeFirst(): void {
    if (this.#first !== undefined) this.remove(this.#first)
  }
}
