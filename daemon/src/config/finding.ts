/**
 * What is to be said about a configuration. An `error` keeps the appliance from starting or makes it unsafe, a `warning`
 * soon will, and a `note` is something to know.
 */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'note'
  /** `file:line:column`, or the file that it is about. */
  readonly place: string
  /** One sentence; what to do about it is part of it. */
  readonly message: string
}

export const error = (place: string, message: string): Finding => ({ severity: 'error', place, message })
export const warning = (place: string, message: string): Finding => ({ severity: 'warning', place, message })
export const note = (place: string, message: string): Finding => ({ severity: 'note', place, message })
