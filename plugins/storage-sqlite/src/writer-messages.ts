import type { GroupAnswer } from './group-writer.ts'
import type { PlainWrite } from './write.ts'

export interface WriterData {
  /** As `resolveFile` gave it; the file exists and is locked. */
  readonly path: string
  /** The size at which the database counts as full, in pages of 4096 bytes. */
  readonly maxPages?: number
}

export type ToWriter =
  /** One at a time: the next is sent after the answer. */
  { readonly kind: 'commit'; readonly group: readonly (readonly PlainWrite[])[] } | { readonly kind: 'close' }

export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly message: string; readonly cause: string }
  | ({ readonly kind: 'answer' } & GroupAnswer)
