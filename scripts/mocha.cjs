// How mocha runs the tests that scripts/build-tests.mjs has compiled.
const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const folder = join(__dirname, '../test/dist/built')

// The longest first, so that the jobs end together. The reporter tells which they are.
const longest = [
  'test/drills/engine-kill',
  'plugins/hsm-pkcs11/test/conformance/softhsm',
  'plugins/hsm-pkcs11/test/conformance/nss',
  'test/drills/lifecycle-kill',
  'test/docs/runbook',
  'test/e2e/cross-check',
  'test/drills/daemon-kill',
  'test/drills/hsm-several-tokens',
  'plugins/hsm-pkcs11/test/share-root-keys',
  'test/recovery/accept-loss',
  'test/recovery/restore',
  'test/cli/crypto',
].map(name => `${name}.test.js`)
const rank = file => (longest.includes(file) ? longest.indexOf(file) : longest.length)

module.exports = {
  spec: readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith('.test.js'))
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(file => join(folder, file)),
  require: [join(__dirname, 'source-maps.mjs')],
  parallel: true,
  jobs: 2,
  timeout: 20_000,
  'forbid-only': true,
  'forbid-pending': true,
  exit: true,
}
