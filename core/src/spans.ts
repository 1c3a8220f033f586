/** What the engine does within a call that is worth a time of its own. */
export type SpanName = 'authorise' | 'journal.append'

/** Told where calls spend their time, by whoever follows them. */
export interface Spans {
  /** Calls `work` at once, once, and answers or fails as it does. */
  around<T>(name: SpanName, work: () => Promise<T>): Promise<T>
}
