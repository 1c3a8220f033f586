import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process that writes to a store without end and says what was acknowledged, until it is killed. */
export class AcknowledgingWriter {
  /** The last acknowledged revision of each record; 0 when its delete was. Complete once `kill` has resolved. */
  readonly acknowledged = new Map<string, number>()
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #count = 0
  #errors = ''
  #reached: { count: number; resolve: () => void } | undefined

  constructor(script: URL, config: unknown, prefix: string) {
    const argv = [...process.execArgv, fileURLToPath(script), JSON.stringify(config), prefix]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    createInterface(child.stdout).on('line', line => this.#take(line))
    this.#child = child
    this.#ended = once(child, 'close')
  }

  /** Resolves when this many writes have been acknowledged. */
  async acknowledges(count: number): Promise<void> {
    const reached = new Promise<void>(resolve => (this.#reached = { count, resolve }))
    const ended = this.#ended.then(() => assert.fail(`the writer process ended by itself: ${this.#errors}`))
    await Promise.race([reached, ended])
  }

  /** SIGKILL; resolves when the process is gone and all it said has been read. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #take(line: string): void {
    const said = /^(\S+) (\d)$/.exec(line)
    // the kill may have cut the last line
    if (!said) return
    this.acknowledged.set(said[1] ?? '', Number(said[2]))
    this.#count += 1
    if (this.#reached && this.#count >= this.#reached.count) this.#reached.resolve()
  }
}
