// Prints why `npm ci` has to run, in a few words, or nothing when node_modules is what package-lock.json says and its
// native modules load in this Node. Looks at what is there rather than at a stamp, so it is right whoever installed it.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const require = createRequire(import.meta.url)

function readJson(file) {
  return JSON.parse(readFileSync(new URL(file, root), 'utf8'))
}

/** Some bindings load at first use only. */
const tryOut = { 'better-sqlite3': Database => new Database(':memory:').close() }

function reason() {
  if (!existsSync(new URL('node_modules/.package-lock.json', root))) return 'nothing is installed yet'
  const wanted = Object.entries(readJson('package-lock.json').packages).filter(([path]) =>
    path.includes('node_modules/'),
  )
  const found = readJson('node_modules/.package-lock.json').packages

  for (const [path, entry] of wanted) {
    const installed = found[path]
    if (installed === undefined && (entry.optional || entry.devOptional)) continue // other platforms' binaries
    if (
      installed?.version !== entry.version ||
      installed?.integrity !== entry.integrity ||
      !existsSync(new URL(path, root))
    )
      return `${path.replace('node_modules/', '')} is not as package-lock.json says`
  }
  const paths = new Set(wanted.map(([path]) => path))
  const extra = Object.keys(found).find(path => path.includes('node_modules/') && !paths.has(path))
  if (extra !== undefined) return `${extra.replace('node_modules/', '')} is not in package-lock.json`

  for (const name of Object.keys(readJson('package.json').allowScripts)) {
    if (found[`node_modules/${name}`] === undefined) continue // optional, and not for this platform
    try {
      const loaded = require(fileURLToPath(new URL(`node_modules/${name}`, root)))
      tryOut[name]?.(loaded)
    } catch {
      return `${name} does not load in Node ${process.version}`
    }
  }
  return ''
}

process.stdout.write(reason())
