import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Log } from '@warder/contract'
import type { Engine, Principal, Signed } from '@warder/core'
import { answerParent } from '../worker.ts'

// The whole HTTP stack over an engine that costs nothing: `http-stack.ts CERTIFICATE KEY ROOT`, where ROOT is a checkout that
// was built. What it spends is what the stack itself takes of a request. It lets everyone in.

const [certificate = '', key = '', root = ''] = process.argv.slice(2)

async function built<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(`${root}/daemon/dist/${path}`).href)) as Module
}
const { createApp } = await built<typeof import('../../../daemon/src/http/app.ts')>('http/app.js')
const { listen } = await built<typeof import('../../../daemon/src/http/listener.ts')>('http/listener.js')
const { createMetrics } = await built<typeof import('../../../daemon/src/metrics/metrics.ts')>('metrics/metrics.js')

const principal: Principal = {
  identity: 'bench',
  credential: '0123456789abcdef',
  method: 'api-key',
  spaces: '*',
  permissions: ['use'],
  sourceIp: '127.0.0.1',
}
const signed: Signed = { signature: Buffer.alloc(71, 7), algorithm: 'ES256', format: 'der', version: 1 }
/** One turn of the event loop for all who wait, as answers of an HSM host come: never in the tick of the question. */
let turn: Promise<void> | undefined
const nextTurn = (): Promise<void> =>
  (turn ??= new Promise(resolve => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  }))
const engine = {
  apiKeys: { authenticate: async () => principal },
  crypto: {
    async sign() {
      await nextTurn()
      return signed
    },
    async signBatch(_call, _space, _key, items) {
      await nextTurn()
      return items.map(() => ({ ok: signed }))
    },
  } satisfies Partial<Engine['crypto']>,
} as unknown as Engine

/** Like the appliance's own at its usual level: nothing of a request that succeeds is written. */
const log: Log = { debug() {}, info() {}, warn() {}, error: (message, fields) => console.error(message, fields) }

export const httpStack = {
  /** The port it serves on; once. */
  async listen(): Promise<number> {
    const { address } = await listen({
      host: '127.0.0.1',
      port: 0,
      certificatePem: readFileSync(certificate, 'utf8'),
      privateKeyPem: readFileSync(key, 'utf8'),
      handle: createApp({
        engine: () => engine,
        whyNot: () => '',
        log,
        metrics: createMetrics(),
        eventLoop: { p99Ms: () => 0, maxMs: () => 0, [Symbol.asyncDispose]: async () => {} },
        version: '0',
      }),
    })
    return address.port
  },
}

answerParent(httpStack)
