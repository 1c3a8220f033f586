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
  /** The command that mends it, alone, where there is one. */
  readonly fix?: string
}

const finding =
  (severity: Finding['severity']) =>
  (place: string, message: string, fix?: string): Finding => ({
    severity,
    place,
    message,
    ...(fix === undefined ? {} : { fix }),
  })

export const error = finding('error')
export const warning = finding('warning')
export const note = finding('note')
