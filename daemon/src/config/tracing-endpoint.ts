const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** What traces tell of keys and callers crosses a network encrypted, or not at all. */
export function isTracingEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname))
}
