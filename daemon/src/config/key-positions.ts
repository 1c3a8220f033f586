/** Counted from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type KeyPath = readonly (string | number)[]

export const pathKey = (path: KeyPath): string => JSON.stringify(path)

/**
 * Where each key of a TOML document stands, by its path; elements of arrays of tables by their index. The parser gives
 * positions of syntax errors only, so this walks the text once more. The text must have been parsed: of a document that
 * is not TOML nothing sensible is found, and the walk ends all the same.
 */
export function keyPositions(text: string): ReadonlyMap<string, Position> {
  return new Scanner(text).scan()
}

class Scanner {
  readonly #text: string
  readonly #found = new Map<string, Position>()
  readonly #elements = new Map<string, number>()
  readonly #lineStarts: readonly number[]
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  }

  scan(): ReadonlyMap<string, Position> {
    let table: KeyPath = []
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      const before = this.#at
      if (this.#take('[[')) {
        const path = this.#dotted([])
        const index = this.#elements.get(pathKey(path)) ?? 0
        this.#elements.set(pathKey(path), index + 1)
        table = [...path, index]
        this.#found.set(pathKey(table), this.#position(before))
        this.#take(']]')
      } else if (this.#take('[')) {
        table = this.#dotted([])
        this.#take(']')
      } else {
        this.#pair(table)
      }
      // whatever it was, the walk goes on
      if (this.#at === before) this.#at++
    }
    return this.#found
  }

  #pair(table: KeyPath): void {
    const path = this.#dotted(table)
    this.#skipSpace()
    if (this.#take('=')) this.#value(path)
  }

  /** A key such as `a."b c".d` below `base`; notes where each part of it stands when it is first named. */
  #dotted(base: KeyPath): KeyPath {
    const path = [...base]
    for (;;) {
      this.#skipSpace()
      const from = this.#at
      path.push(this.#key())
      if (!this.#found.has(pathKey(path))) this.#found.set(pathKey(path), this.#position(from))
      this.#skipSpace()
      if (!this.#take('.')) return path
      const latest = this.#latest(path)
      if (latest !== undefined) path.push(latest)
    }
  }

  /** A path through an array of tables goes through its latest element (TOML 1.0, Array of Tables). */
  #latest(path: KeyPath): number | undefined {
    const count = this.#elements.get(pathKey(path))
    return count === undefined ? undefined : count - 1
  }

  #key(): string {
    const quote = this.#text[this.#at]
    if (quote === '"' || quote === "'") return this.#string(quote)
    const [bare = ''] = this.#match(/[^\s.=[\]{}"'#,]*/y)
    return bare
  }

  #value(path: KeyPath): void {
    this.#skipSpace()
    const next = this.#text[this.#at]
    if (next === '"' || next === "'") this.#string(next)
    else if (this.#take('[')) this.#array(path)
    else if (this.#take('{')) this.#inlineTable(path)
    else this.#match(/[^,\]}\n#]*/y)
  }

  #array(path: KeyPath): void {
    for (let index = 0; ; index++) {
      this.#skipBlank()
      if (this.#take(']') || this.#at >= this.#text.length) return
      const before = this.#at
      this.#value([...path, index])
      this.#skipBlank()
      this.#take(',')
      if (this.#at === before) this.#at++
    }
  }

  #inlineTable(path: KeyPath): void {
    for (;;) {
      this.#skipBlank()
      if (this.#take('}') || this.#at >= this.#text.length) return
      const before = this.#at
      this.#pair(path)
      this.#skipBlank()
      this.#take(',')
      if (this.#at === before) this.#at++
    }
  }

  /** Strings of all four forms; only those that can be keys need their value, and of those only the escapes that can occur. */
  #string(quote: string): string {
    const triple = quote.repeat(3)
    if (this.#take(triple)) {
      this.#match(quote === '"' ? /(?:\\[^]|[^\\])*?"{3,5}(?!")/y : /[^]*?'{3,5}(?!')/y)
      return ''
    }
    const [written = ''] = this.#match(quote === '"' ? /"(?:\\.|[^"\\\n])*"?/y : /'[^'\n]*'?/y)
    if (quote === "'") return written.slice(1, -1)
    return written
      .slice(1, -1)
      .replace(/\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)/g, (_, escape: string) => unescape(escape))
  }

  #skipBlank(): void {
    this.#match(/(?:\s|#[^\n]*)*/y)
  }

  #skipSpace(): void {
    this.#match(/[ \t]*/y)
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #match(sticky: RegExp): readonly string[] {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text)
    if (found === null) return []
    this.#at += found[0].length
    return found
  }

  #position(offset: number): Position {
    let low = 0
    for (let high = this.#lineStarts.length; high - low > 1;) {
      const middle = (low + high) >> 1
      if (this.#lineStarts[middle]! <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - this.#lineStarts[low]! + 1 }
  }
}

const escapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' }

function unescape(escape: string): string {
  if (escape.length === 1) return escapes[escape] ?? escape
  const code = Number.parseInt(escape.slice(1), 16)
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : ''
}
