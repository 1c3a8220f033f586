export type Table = Readonly<Record<string, unknown>>

/** `over` wins. Tables are merged deeply, everything else, arrays too, is replaced as a whole. */
export function mergeTables(under: Table, over: Table): Table {
  const merged = new Map(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key)
    merged.set(key, isTable(below) && isTable(value) ? mergeTables(below, value) : value)
  }
  // unlike assignment, this makes `__proto__` a key like any other, which the schema then refuses
  return Object.fromEntries(merged)
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
