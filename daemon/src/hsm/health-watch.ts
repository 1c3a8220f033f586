import type { KeyProvider } from '@warder/contract'

/** How often a host looks whether its token is still there. */
const everyMs = 1000
/** A provider that has not answered by then is asked again: being busy is not being broken. */
const patienceMs = 5000

/**
 * Asks a provider every second how it is, until it says that it is not well, which is told once, or until the function
 * answered here is called. A provider that hangs tells nothing; that is the watchdog's to see.
 */
export function watchHealth(provider: KeyProvider, onBroken: (detail: string) => void): () => void {
  let timer: NodeJS.Timeout
  let watching = true
  const look = async (): Promise<void> => {
    const broken = await faultOf(provider)
    if (!watching) return
    if (broken === undefined) wait()
    else onBroken(broken)
  }
  const wait = (): void => {
    timer = setTimeout(() => void look(), everyMs)
  }
  wait()
  return () => {
    watching = false
    clearTimeout(timer)
  }
}

async function faultOf(provider: KeyProvider): Promise<string | undefined> {
  try {
    const { ok, detail } = await provider.health({ signal: AbortSignal.timeout(patienceMs) })
    return ok ? undefined : detail
  } catch {
    // cancelled while it waited its turn
    return undefined
  }
}
