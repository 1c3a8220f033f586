import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createInternalCa, issueServerCertificate } from '../../../src/tls/internal-ca.ts'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Answer = (response: ServerResponse) => void

export interface FakeServer extends AsyncDisposable {
  readonly url: URL
  /** PEM. */
  readonly ca: string
  readonly received: readonly Received[]
}

/** An HTTPS server that answers as it is told, one answer after the other; the last one again and again. */
export async function startServer(answers: readonly Answer[]): Promise<FakeServer> {
  const now = new Date()
  const authority = await createInternalCa({ name: 'test', now })
  const { certificatePem, privateKeyPem } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'], now })
  const received: Received[] = []
  const server = createServer(
    { cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.3' },
    (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.once('end', () => {
        const { method = '', url = '', headers } = request
        const answer = answers[Math.min(received.length, answers.length - 1)]
        const one = { method, url, headers, body: Buffer.concat(parts).toString('utf8') }
        received.push(one)
        answer?.(response)
      })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ca: authority.certificatePem,
    received,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  response => {
    const problem = status >= 400
    response.writeHead(status, { 'content-type': `application/${problem ? 'problem+' : ''}json`, ...headers })
    response.end(JSON.stringify(body))
  }
