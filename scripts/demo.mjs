// The demonstration behind `npm run demo`: a whole appliance in a temporary directory, and its main job on real input.
// With --once it ends when the job is done; without, the appliance goes on and says how to use it.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const once = process.argv.includes('--once')
const cli = fileURLToPath(new URL('../daemon/dist/cli/index.js', import.meta.url))
const readme = fileURLToPath(new URL('../README.md', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'warder-demo-'))
const inWork = name => join(work, name)

const say = text => console.log(`\n\u25b8 ${text}`)
const show = text => console.log(text.trimEnd().replaceAll(/^/gm, '    '))

const appliance = spawn(
  process.execPath,
  [cli, 'dev', '--dir', inWork('appliance'), '--port', '0', '--ready-file', inWork('ready.json')],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
  },
)
let log = ''
appliance.stderr.on('data', chunk => (log += chunk))
const ended = new Promise(resolve => appliance.once('exit', code => resolve(code ?? 1)))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => appliance.kill('SIGTERM'))

try {
  say('Starting an appliance: a SoftHSM2 token, two HSM host processes, storage, journal, HTTPS')
  const ready = await whenReady()
  show(`serving ${ready.url}`)
  const call = client(ready)

  say('Creating a sealed P-256 key: made in the token, kept outside it only wrapped under the token\u2019s root key')
  show(
    summary(await call('POST', '/v1/spaces/default/keys', { name: 'release', algorithm: 'P-256', custody: 'sealed' })),
  )
  say('Creating a resident RSA-3072 key: it never leaves the token')
  show(
    summary(
      await call('POST', '/v1/spaces/default/keys', { name: 'archive', algorithm: 'RSA-3072', custody: 'resident' }),
    ),
  )

  for (const [key, algorithm] of [
    ['release', 'ES256'],
    ['archive', 'RS256'],
  ]) {
    say(`Signing README.md with ${key} (${algorithm}) over HTTPS, and asking openssl`)
    const input = readFileSync(readme).toString('base64')
    const { signature, version } = await call('POST', `/v1/spaces/default/keys/${key}:sign`, { algorithm, input })
    const { pem } = await call('GET', `/v1/spaces/default/keys/${key}/publicKey?version=${version}`)
    writeFileSync(inWork(`${key}.pem`), pem)
    writeFileSync(inWork(`${key}.sig`), Buffer.from(signature, 'base64'))
    const args = ['dgst', '-sha256', '-verify', inWork(`${key}.pem`), '-signature', inWork(`${key}.sig`), readme]
    show(`$ openssl dgst -sha256 -verify ${key}.pem -signature ${key}.sig README.md`)
    show(execFileSync('openssl', args, { encoding: 'utf8' }))
  }

  say('Verifying the journal: every byte of what was done is accounted for')
  show('$ warder audit verify --dir appliance')
  show(execFileSync(process.execPath, [cli, 'audit', 'verify', '--dir', inWork('appliance')], { encoding: 'utf8' }))

  if (!once) {
    say('The appliance goes on until Ctrl-C. Try it:')
    show(`export WARDER_CA=${ready.ca} WARDER_KEY=$(cat ${ready.apiKeyFile})
curl --cacert $WARDER_CA -H "Authorization: Bearer $WARDER_KEY" ${ready.url}/v1/spaces/default/keys
curl --cacert $WARDER_CA ${ready.url}/readyz?verbose
curl --cacert $WARDER_CA ${ready.url}/openapi.json
tail -f ${ready.dir}/data/journal/*.log`)
    await ended
  }
} catch (error) {
  console.error(`\nThe demonstration failed: ${error.message}\n${log}`)
  process.exitCode = 1
} finally {
  appliance.kill('SIGTERM')
  await ended
  rmSync(work, { recursive: true, force: true })
}
if (once && process.exitCode === undefined) say('Done; the appliance is stopped and its directory removed.')

async function whenReady() {
  for (let waited = 0; waited < 60_000; waited += 50) {
    if (existsSync(inWork('ready.json'))) return JSON.parse(readFileSync(inWork('ready.json'), 'utf8'))
    if (appliance.exitCode !== null) throw new Error('the appliance did not start')
    await delay(50)
  }
  throw new Error('the appliance was not ready within a minute')
}

function client({ url, ca, apiKeyFile }) {
  const options = {
    ca: readFileSync(ca),
    headers: { authorization: `Bearer ${readFileSync(apiKeyFile, 'utf8').trim()}` },
  }
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const sent = body === undefined ? undefined : JSON.stringify(body)
      const headers = sent === undefined ? options.headers : { ...options.headers, 'content-type': 'application/json' }
      const asked = request(new URL(path, url), { ...options, method, headers }, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => (text += chunk))
        response.on('end', () => {
          if (response.statusCode < 300) resolve(JSON.parse(text))
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text}`))
        })
      })
      asked.on('error', reject)
      asked.end(sent)
    })
}

function summary({ name, algorithm, custody, id, primary }) {
  return `${name}: ${algorithm}, ${custody}, version ${primary}, id ${id}`
}
