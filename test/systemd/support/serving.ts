import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:https'
import { program } from '../../support/program.ts'
import type { Prepared } from './prepared.ts'

export interface ServeOptions {
  /** What is executed, with the command that serves as its arguments. */
  readonly through?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly stdin?: 'pipe' | 'ignore'
}

/** A `warder serve` on an appliance that was prepared. */
export class Serving {
  readonly process: ChildProcess
  readonly #ended: Promise<unknown>
  log = ''
  stdout = ''

  constructor({ config }: Prepared, { through = [], environment = {} }: ServeOptions = {}) {
    const [command, ...args] = [...through, ...program('index'), 'serve', '--config', config]
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
    this.#ended = once(this.process, 'exit')
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
  }

  /** Lines of the log with this message, their fields included. */
  logged(message: string): Record<string, unknown>[] {
    const lines = this.log.split('\n').filter(line => line.startsWith('{') && line.endsWith('}'))
    return lines.map(line => JSON.parse(line) as Record<string, unknown>).filter(line => line['message'] === message)
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** Resolves when it has ended by itself. */
  async exit(): Promise<number | null> {
    await this.#ended
    return this.process.exitCode
  }

  async stop(): Promise<number | null> {
    if (!this.ended) this.process.kill('SIGTERM')
    return this.exit()
  }
}

export interface Answer {
  readonly status: number
  readonly text: string
  /** SHA-256 of the certificate that was presented. */
  readonly fingerprint: string
}

/** Asks an appliance on a connection of its own. */
export function ask({ ca, apiKey }: Prepared, port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${apiKey}` }
    const asked = request({ host: '127.0.0.1', port, path, ca, headers, agent: false }, response => {
      const socket = response.socket as import('node:tls').TLSSocket
      const fingerprint = socket.getPeerCertificate().fingerprint256
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text, fingerprint }))
    })
    asked.once('error', reject)
    asked.end()
  })
}
