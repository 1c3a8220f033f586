import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RequestMiddleware, RequestState } from '../../src/http/context.ts'
import { routesByPath } from '../../src/http/route-lookup.ts'

interface Answered {
  readonly route: string
  readonly params: unknown
}

describe('routes that are found by their words', () => {
  const templates = ['/a', '/a/:x', '/a/:x/b', '/a/:x/b/:y', '/a/:x/b/:y\\:go', '/a/:x/b\\:go', '/a\\:go', '/c.d']
  let server: Server
  let byRouter: Server

  async function serve(lookup: boolean): Promise<Server> {
    const router = new Router<RequestState>({ strict: true, sensitive: true })
    for (const template of templates) {
      const action = /\\:\w+$/.test(template)
      router.get(template, (ctx, next) => {
        if (/:[^/]*$/.test(ctx.path) !== action) return next()
        ctx.body = { route: template, params: ctx.params as unknown }
        return undefined
      })
    }
    const app = new Koa<RequestState>()
    app.use(lookup ? routesByPath(router) : (router.routes() as RequestMiddleware))
    const handle = app.callback()
    const listening = createServer((asked, response) => void handle(asked, response))
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
    return listening
  }

  const ask = (at: Server, method: string, path: string): Promise<Answered | number> =>
    new Promise((resolve, reject) => {
      const { port } = at.address() as AddressInfo
      const sent = request({ port, host: '127.0.0.1', method, path, agent: false }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () =>
          resolve(
            response.statusCode === 200 && text !== '' ? (JSON.parse(text) as Answered) : (response.statusCode ?? 0),
          ),
        )
      })
      sent.on('error', reject).end()
    })

  before(async () => {
    server = await serve(true)
    byRouter = await serve(false)
  })
  after(() => {
    server.close()
    byRouter.close()
  })

  it('are those the router finds, with the same parameters', async () => {
    expect(await ask(server, 'GET', '/a/1.x/b/2-y:go')).to.deep.equal({
      route: '/a/:x/b/:y\\:go',
      params: { x: '1.x', y: '2-y' },
    })
    const names = [
      '1',
      'a',
      'b',
      'A',
      '__proto__',
      'constructor',
      '..',
      '.',
      '%61',
      '%2F',
      '%',
      'x%3Ago',
      'ü',
      'x:y',
      '',
    ]
    const tried = names.flatMap(name => [
      `/${name}`,
      `/a/${name}`,
      `/a/${name}/`,
      `/a/${name}/b`,
      `/a/${name}/b:go`,
      `/a/${name}/b/${name}`,
      `/a/x/b/${name}:go`,
      `/a/x/b/${name}:stop`,
      `/a/x/b/${name}:go:go`,
      `/a/x/b/y/${name}`,
      `/a:${name}`,
    ])
    for (const path of [...tried, '/c.d', '/cxd', '/a:go', '/a:go/', '//a', '/A', '/a?x=1', '/a/1/b/2:go?x=/:']) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const url = encodeURI(path).replaceAll('%25', '%')
        expect(await ask(server, method, url), `${method} ${url}`).to.deep.equal(await ask(byRouter, method, url))
      }
    }
  })
})
