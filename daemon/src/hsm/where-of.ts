/** Where an unforeseen error came from, without its text: that may hold anything. */
export function whereOf(error: unknown): { readonly error: string; readonly at: string } {
  if (!(error instanceof Error)) return { error: typeof error, at: '' }
  const frames = (error.stack ?? '').split('\n').filter(line => line.trimStart().startsWith('at '))
  return { error: error.name, at: frames.slice(0, 4).join(' ').replaceAll(/\s+/g, ' ').trim() }
}
