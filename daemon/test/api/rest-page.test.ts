import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { operations } from '../../src/api/operations.ts'
import { startRealAppliance, type RealAppliance } from './support/real-appliance.ts'

const page = readFileSync(new URL('../../../docs/rest.md', import.meta.url), 'utf8')

interface Example {
  readonly id: string
  readonly script: string
  /** What it answers, as the page says; of another example where that says so. */
  readonly answer: unknown
}

const setUp = /<!-- set-up -->\s+```sh\n([^]*?)```/.exec(page)?.[1] ?? ''
const examples: Example[] = []
for (const [, id = '', as, script = '', json] of page.matchAll(
  /<!-- example: (\w+)(?:, [^>]*?)?(?: as (\w+))? -->\s+```sh\n([^]*?)```(?:\s+```json\n([^]*?)```)?/g,
)) {
  const answer: unknown = json === undefined ? examples.find(each => each.id === as)?.answer : JSON.parse(json)
  examples.push({ id, script, answer })
}

/** Names of fields, and of what is in lists, wherever the page writes them out. */
function expectShape(actual: unknown, stated: unknown, where: string, whole = true): void {
  if (Array.isArray(stated)) {
    expect(actual, where).to.be.an('array').with.length.of.at.least(stated.length)
    // In a list the page may shorten an item to what matters.
    stated.forEach((each, at) => expectShape((actual as unknown[])[at], each, `${where}.${at}`, false))
  } else if (typeof stated === 'object' && stated !== null) {
    const names = Object.keys(stated)
    if (whole) expect(actual, where).to.have.all.keys(names)
    else expect(actual, where).to.include.keys(names)
    for (const [name, each] of Object.entries(stated)) {
      if (['tags', 'caches', 'parts', 'apiKey'].includes(name)) continue
      expectShape((actual as Record<string, unknown>)[name], each, `${where}.${name}`)
    }
  } else if (stated !== null && actual !== null) {
    expect(typeof actual, where).to.equal(typeof stated)
  }
}

describe('docs/rest.md', () => {
  it('has a row and an example for every operation', () => {
    for (const { id, method, path, permission } of operations) {
      const row = page.split('\n').find(line => line.startsWith(`| \`${id}\` `)) ?? ''
      const action = path.slice(path.lastIndexOf(':'))
      expect(row, id).to.satisfy(
        (line: string) =>
          line.includes(`\`${method} ${path}\``) || (method === 'POST' && line.includes(`\`${action}\``)),
      )
      expect(row, id).to.include(`\`${permission}\``)
      expect(
        examples.some(example => example.id === id),
        id,
      ).to.equal(true)
    }
  })

  describe('its examples', () => {
    let appliance: RealAppliance
    before(async () => {
      appliance = await startRealAppliance()
    })
    after(() => appliance[Symbol.asyncDispose]())

    it('work, in order, and answer the fields that the page shows', async function () {
      this.timeout(60_000)
      const answers = await run(appliance)
      examples.forEach(({ id, answer }, at) => expectShape(JSON.parse(answers[at] ?? ''), answer, `${at} ${id}`))
      expect(appliance.logged()).to.not.match(/"level":"(?:error|warn)"/)
    })
  })
})

/** Runs the page as one shell script; what each example prints. */
async function run({ url, ca, keyFile, directory }: RealAppliance): Promise<readonly string[]> {
  const mark = '\n=====\n'
  const lines = ['set -euo pipefail', setUp, ...examples.flatMap(({ script }) => [script, `printf '${mark}'`])]
  const cwd = join(directory, 'page')
  await mkdir(cwd)
  const environment = { ...process.env, WARDER_URL: url, WARDER_CA: ca, WARDER_KEY_FILE: keyFile }
  const child = spawn('bash', ['-c', lines.join('\n')], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const code = await new Promise(resolve => child.once('close', resolve))
  expect(code, `${err}\n${out.slice(-2000)}`).to.equal(0)
  return out.split(mark)
}
