import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** A program that is there to be killed: takes one order on stdin, and says words on stdout, each as a line of JSON. */
export class ChildProgram<Order, Word extends { readonly word: string }> {
  /** All it has said; complete once {@link kill} or {@link end} has resolved. */
  readonly words: Word[] = []
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<unknown>
  readonly #waiting = new Map<string, () => void>()
  #complaints = ''

  constructor(program: string, dir: string) {
    this.#child = spawn(process.execPath, [...process.execArgv, program, dir], {
      // the engine's own setting: the journal's syncs must not wait for Argon2id
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#ended = once(this.#child, 'close')
    // it may be killed while it is being told
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text))
    createInterface(this.#child.stdout).on('line', line => this.#take(line))
  }

  order(order: Order): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`)
  }

  has(word: Word['word']): boolean {
    return this.words.some(said => said.word === word)
  }

  /** Resolves when it has said this. Rejects when it ends before. */
  async says(word: Word['word']): Promise<void> {
    if (this.has(word)) return
    const said = new Promise<void>(resolve => this.#waiting.set(word, resolve))
    await Promise.race([said, this.#ended])
    if (!this.has(word)) throw new Error(`it ended before it said ${word}: ${this.#complaints}`)
  }

  /** SIGKILL; resolves when it is gone and all it said was read. Rejects when it had ended by itself. */
  async kill(): Promise<void> {
    const hit = this.#child.kill('SIGKILL')
    await this.#ended
    if (!hit || this.#child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself: ${this.#complaints}`)
  }

  /** Resolves when it has ended as it should. */
  async end(): Promise<void> {
    await this.says('end')
    await this.#ended
  }

  #take(line: string): void {
    let word: Word
    try {
      word = JSON.parse(line) as Word
    } catch {
      // the kill cut this line
      return
    }
    this.words.push(word)
    this.#waiting.get(word.word)?.()
  }
}
