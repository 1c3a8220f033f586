/** Deeper nesting than any message of ours has; a bound, so that a decoder cannot be made to recurse. */
const maxDepth = 8

/**
 * True when `bytes` is exactly one complete MessagePack value of the plain kinds: nil, booleans, numbers, strings, byte
 * strings, arrays and maps with strings for keys, nested at most eight deep. Extension types are refused.
 *
 * Why before decoding: a general decoder offers extensions (records, references, errors, regular expressions) that a
 * hostile peer could choose for us, and finds a truncated value only half way through. This walk allocates next to nothing,
 * does not recurse, and what passes is safe to hand to any decoder.
 */
export function wellFormed(bytes: Uint8Array): boolean {
  const end = bytes.length
  const outer: { readonly pending: number; readonly isMap: boolean }[] = []
  let position = 0
  let pending = 1
  let isMap = false
  while (true) {
    while (pending === 0) {
      const resumed = outer.pop()
      if (resumed === undefined) return position === end
      ;({ pending, isMap } = resumed)
    }
    if (position >= end) return false
    const token = bytes[position++]!
    // of a map's children, keys and values in turn, an even number is left before each key
    if (isMap && pending % 2 === 0 && !isString(token)) return false
    pending--
    let skip = 0
    let children = 0
    if (token < 0x80 || token >= 0xe0) skip = 0
    else if (token < 0x90) children = 2 * (token & 0x0f)
    else if (token < 0xa0) children = token & 0x0f
    else if (token < 0xc0) skip = token & 0x1f
    else {
      const width = lengthWidth[token - 0xc0]!
      if (width < 0 || position + width > end) return false
      let length = 0
      for (let i = 0; i < width; i++) length = length * 256 + bytes[position++]!
      if (token >= 0xde) children = 2 * length
      else if (token >= 0xdc) children = length
      else skip = width === 0 ? fixedSize[token - 0xc0]! : length
    }
    position += skip
    // every child takes at least one byte, so a count beyond what is left is a lie
    if (position > end || children > end - position) return false
    if (children > 0) {
      if (outer.length === maxDepth) return false
      outer.push({ pending, isMap })
      pending = children
      isMap = (token >= 0x80 && token < 0x90) || token >= 0xde
    }
  }
}

const isString = (token: number): boolean => (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb)

/** For the tokens 0xc0 to 0xdf: how many bytes of length follow; -1 marks a token that is refused. */
const lengthWidth: readonly number[] = [
  0, -1, 0, 0, 1, 2, 4, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, 1, 2, 4, 2, 4, 2, 4,
]

/** For the tokens 0xc0 to 0xd3 without a length: how many bytes of value follow. */
const fixedSize: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
