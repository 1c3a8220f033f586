export const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** Those that programs read. */
export type DataFormat = Exclude<Format, 'table'>

/** Whether bytes that go to standard output are to be wrapped in the answer they came in; a file gets them as they are. */
export function asData({ format, out }: { readonly format: Format; readonly out?: string }): DataFormat | undefined {
  return format === 'table' || out !== undefined ? undefined : format
}
