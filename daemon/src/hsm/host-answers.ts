import type { Log } from '@warder/contract'
import type { Channel } from './channel.ts'
import { type Answer, toWire, wireAnswer } from './protocol.ts'
import { whereOf } from './where-of.ts'

/** Bytes in answers that wait, after which they are sent: well within a frame, whatever the last one brings. */
const enoughBytes = 256 * 1024

/** The answers of one connection: those of one turn of the event loop go in one message. What is secret is wiped when sent. */
export class HostAnswers {
  readonly #channel: Channel
  readonly #log: Log
  #waiting: Answer[] = []
  #secrets: Uint8Array[] = []
  #bytes = 0

  constructor(channel: Channel, log: Log) {
    this.#channel = channel
    this.#log = log
  }

  /** `secret`: the result is to be wiped. */
  add(answer: Answer, secret = false): void {
    if (this.#waiting.length === 0) this.#channel.atEndOfTurn(() => this.send())
    this.#waiting.push(answer)
    if (!('ok' in answer)) return
    if (secret && answer.ok instanceof Uint8Array) this.#secrets.push(answer.ok)
    this.#bytes += bytesOf(answer.ok)
    if (this.#bytes >= enoughBytes) this.send()
  }

  send(): void {
    const [answers, secrets] = [this.#waiting, this.#secrets]
    if (answers.length === 0) return
    this.#waiting = []
    this.#secrets = []
    this.#bytes = 0
    this.#encode(answers)
    for (const secret of secrets) secret.fill(0)
  }

  #encode(answers: readonly Answer[]): void {
    try {
      this.#channel.send(answers.map(wireAnswer))
    } catch (error) {
      // too large for a frame: those beside it, and its caller, still get their one answer
      if (answers.length > 1) {
        for (const answer of answers) this.#encode([answer])
        return
      }
      this.#log.error('An answer did not fit the channel', whereOf(error))
      const [{ id }] = answers as readonly [Answer]
      this.#channel.send([wireAnswer({ id, error: toWire(undefined), hsmMicros: 0 })])
    }
  }
}

/** Of what the answers hold that are often given. */
function bytesOf(ok: unknown): number {
  if (ok instanceof Uint8Array) return ok.length
  const { ciphertext } = (ok ?? {}) as { readonly ciphertext?: unknown }
  return ciphertext instanceof Uint8Array ? ciphertext.length : 0
}
