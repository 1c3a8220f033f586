/** Says how much is done; of how much, and what it is, when that has changed. */
export type Report = (done: number, of?: number, label?: string) => void

/**
 * Shows a bar on stderr while `fn` runs, if stderr is a terminal, and takes it away when it ends. `total` is in the units of
 * what is reported; `undefined` where it is not known. NO_COLOR (no-color.org) is honoured.
 */
export async function withProgress<T>(
  label: string,
  total: number | undefined,
  fn: (report: Report) => Promise<T>,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Promise<T> {
  const { stderr } = process
  if (quiet || !stderr.isTTY) return fn(() => undefined)
  const { SingleBar } = (await import('cli-progress')).default
  const bright = stderr.hasColors() ? ['\u001b[36m', '\u001b[0m'] : ['', '']
  const bar = new SingleBar({
    format:
      total === undefined
        ? '{label} {value}'
        : `{label} ${bright[0]}{bar}${bright[1]} {percentage}%  {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: stderr,
    clearOnComplete: true,
    hideCursor: false,
  })
  bar.start(total ?? 0, 0, { label })
  try {
    return await fn((done, of, what) => {
      if (of !== undefined) bar.setTotal(of)
      bar.update(done, what === undefined ? {} : { label: what })
    })
  } finally {
    bar.stop()
  }
}
