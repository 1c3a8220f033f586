import { type Op, WarderError } from '@warder/contract'

/** @throws WarderError `cancelled` when the caller has gone or its deadline has passed. */
export function throwIfCancelled(op: Op): void {
  if (op.signal.aborted)
    throw new WarderError('cancelled', 'The caller has gone or its deadline has passed.', { cause: op.signal.reason })
}
