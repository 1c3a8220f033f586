import { expect } from 'chai'
import { isTracingEndpoint } from '../../src/config/tracing-endpoint.ts'

describe('where spans may be sent', () => {
  it('is anywhere by TLS, and in clear on this machine', () => {
    for (const endpoint of [
      'https://collector.example.com/v1/traces',
      'http://127.0.0.1:4318/v1/traces',
      'http://localhost:4318/v1/traces',
      'http://[::1]:4318/v1/traces',
    ])
      expect(isTracingEndpoint(endpoint), endpoint).to.equal(true)
  })

  it('is nowhere else', () => {
    for (const endpoint of [
      '',
      '/v1/traces',
      'collector:4318',
      'file:///etc/passwd',
      'http://collector.example.com/v1/traces',
      'http://127.0.0.1.example.com/v1/traces',
      'http://localhost.example.com/v1/traces',
      'https://user:password@collector.example.com/v1/traces',
      'http://127.0.0.1@example.com/v1/traces',
    ])
      expect(isTracingEndpoint(endpoint), endpoint).to.equal(false)
  })
})
