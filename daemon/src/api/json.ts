/** A JSON object that is being assembled. */
export type Json = Readonly<Record<string, unknown>>
