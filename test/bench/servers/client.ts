import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { type Load, load } from '../load.ts'
import { answerParent } from '../worker.ts'

// The one client of everything that is asked over HTTP: TLS 1.3, connections kept alive, one request at a time on each.
// It writes a request whose bytes are made once, and reads no more of an answer than its status and its length, so that
// it takes as little of the machine as it can, and the same from every server.

export interface Target {
  readonly port: number
  readonly ca: string
  readonly method: 'GET' | 'POST'
  /** Asked for one after the other. */
  readonly paths: readonly [string, ...string[]]
  readonly authorization?: string
  /** JSON. */
  readonly body?: string
}

export interface Opening {
  readonly target: Target
  readonly concurrency: number
  readonly lenient?: boolean
}

/** By all connections of all windows, so that none begins where another did. */
let sent = 0

const endOfHead = Buffer.from('\r\n\r\n')

class Connection {
  readonly #socket: TLSSocket
  readonly #requests: readonly Buffer[]
  #received: Buffer | undefined
  #settle: { resolve(status: number): void; reject(error: Error): void } | undefined

  private constructor(socket: TLSSocket, requests: readonly Buffer[]) {
    this.#socket = socket
    this.#requests = requests
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', error => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('the server hung up')))
  }

  static open({ port, ca }: Target, requests: readonly Buffer[]): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: readFileSync(ca),
        minVersion: 'TLSv1.3',
        ALPNProtocols: ['http/1.1'],
      })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket, requests))
      })
    })
  }

  /** The status of the answer. */
  send(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(this.#requests[sent++ % this.#requests.length] as Buffer)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const received = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk])
    this.#received = received
    const head = received.indexOf(endOfHead)
    if (head < 0) return
    const text = received.toString('latin1', 0, head)
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    if (length === undefined) return this.#settle?.reject(new Error('an answer without a length'))
    if (received.length < head + endOfHead.length + Number(length)) return
    this.#received = undefined
    this.#settle?.resolve(Number(text.slice(9, 12)))
  }
}

function requestOf({ method, authorization, body }: Target, path: string): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Accept: application/json']
  if (authorization !== undefined) lines.push(`Authorization: Bearer ${authorization}`)
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
}

const open: Connection[] = []

/** What a window is asked of, in three steps: connecting costs more than many requests, and is no part of it. */
export const client = {
  /** Connects, and asks once on every connection. Answers of other than 200 are an error unless `lenient`. */
  async open({ target, concurrency, lenient = false }: Opening): Promise<void> {
    const requests = target.paths.map(path => requestOf(target, path))
    const lanes = Array.from({ length: concurrency }, () => Connection.open(target, requests))
    open.push(...(await Promise.all(lanes)))
    const statuses = await Promise.all(open.map(each => each.send()))
    const other = statuses.find(status => status !== 200)
    if (other !== undefined && !lenient) throw new Error(`${target.paths[0]} answered ${other}`)
  },
  run: ({ ms }: { ms: number }): Promise<Load> =>
    load({ concurrency: open.length, ms }, async lane => (await (open[lane] as Connection).send()) === 200),
  close(): void {
    for (const each of open.splice(0)) each.close()
  },
}

answerParent(client)
