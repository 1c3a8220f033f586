import { request } from 'node:https'

/** The status that an API key gets for the spaces it may see. */
export function statusWith(port: number, ca: Buffer, apiKey: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${apiKey}` }
    const asked = request({ host: '127.0.0.1', port, path: '/v1/spaces', ca, headers, agent: false }, response => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', reject)
    asked.end()
  })
}
