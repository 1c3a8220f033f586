/** Seen from the proxy: requests go to the server, answers to the client. */
export type Direction = 'to-server' | 'to-client'

/**
 * What can be wrong with a network. A fault holds for connections that are open and for those made later, until another
 * one takes its place or the proxy is healed.
 *
 * - `cut`: the network is down. Open connections are reset, new ones are taken and reset at once.
 * - `refuse`: open connections go on, new ones are taken and reset at once.
 * - `stall`: bytes are taken and not delivered, nor is the end of a connection; in one direction when it is given. What was
 *   held is delivered when the fault ends, also when its sender has gone by then: a request can be late.
 * - `drop-answers`: requests are delivered; the first byte of an answer resets its connection, and is lost.
 * - `cut-after`: a connection is reset when this many bytes have been handed over in this direction since the fault began.
 *   With 0 that is when the first byte comes. Who reads them sees a reset or an end: libuv tells an end when both come at once.
 * - `dribble`: this many bytes at a time, and a turn of the event loop or `pause` milliseconds between.
 *
 * With `times`, the proxy heals by itself when this many connections have been reset.
 */
export type Fault =
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'stall'; readonly direction?: Direction }
  | { readonly kind: 'drop-answers'; readonly times?: number }
  | { readonly kind: 'cut-after'; readonly direction: Direction; readonly bytes: number; readonly times?: number }
  | { readonly kind: 'dribble'; readonly bytes: number; readonly pause?: number }

/** What becomes of the bytes at the head of one direction of a connection. */
export type Step =
  | { readonly kind: 'hold' }
  | { readonly kind: 'cut' }
  /** Hands over this many. */
  | { readonly kind: 'pass'; readonly bytes: number; readonly after: 'go-on' | 'cut' | { readonly pause: number } }

/**
 * `passed` is what the fault has let through on this connection in this direction; `waiting` is what is there now, 0 when
 * it is the end that waits.
 */
export function decide(fault: Fault | undefined, direction: Direction, passed: number, waiting: number): Step {
  const all: Step = { kind: 'pass', bytes: waiting, after: 'go-on' }
  switch (fault?.kind) {
    case 'cut':
      return { kind: 'cut' }
    case 'stall':
      return (fault.direction ?? direction) === direction ? { kind: 'hold' } : all
    case 'drop-answers':
      return direction === 'to-client' && waiting > 0 ? { kind: 'cut' } : all
    case 'cut-after': {
      const left = fault.bytes - passed
      if (fault.direction !== direction || waiting === 0 || waiting < left) return all
      return left > 0 ? { kind: 'pass', bytes: left, after: 'cut' } : { kind: 'cut' }
    }
    case 'dribble':
      return { kind: 'pass', bytes: Math.min(fault.bytes, waiting), after: { pause: fault.pause ?? 0 } }
    case 'refuse':
    case undefined:
      return all
  }
}

/** @throws TypeError for numbers that no fault can have. */
export function checkFault(fault: Fault): void {
  if ('bytes' in fault) checkCount('bytes', fault.bytes, fault.kind === 'dribble' ? 1 : 0)
  if ('times' in fault && fault.times !== undefined) checkCount('times', fault.times, 1)
  if ('pause' in fault && fault.pause !== undefined) checkCount('pause', fault.pause, 0)
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new TypeError(`${name} must be a whole number from ${least}`)
}
