// Compiles the tests, with the programs they start, to JavaScript below test/dist/built, where each lies as its source does
// below the root. They import the product as it was built (tsc -b comes first), so that no process needs a loader of
// TypeScript, which takes each one that starts more of the processor than all of a short test. What a test reads beside
// itself it reads where its source is.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transform } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'test/dist/built')
const folders = ['core', 'daemon', ...readdirSync(join(root, 'plugins')).map(name => `plugins/${name}`), '.']

const sources = folders
  .map(folder => join(root, folder, 'test'))
  .filter(folder => existsSync(folder))
  .flatMap(folder =>
    readdirSync(folder, { recursive: true })
      .filter(name => name.endsWith('.ts') && !name.startsWith('dist/'))
      .map(name => join(folder, name)),
  )
const tests = new Set(sources)

/** Where the JavaScript of a TypeScript file is; `undefined` for what is none of ours, such as an example in a string. */
function builtFrom(file) {
  const path = relative(root, file)
  if (tests.has(file)) return join(out, path.replace(/ts$/, 'js'))
  if (!existsSync(file)) return undefined
  return join(root, path.replace(/^(core|daemon|plugins\/[^/]+)\/src\/(.*)ts$/, '$1/dist/$2js'))
}

function compiled(file) {
  const folder = dirname(file)
  const built = specifier => builtFrom(resolve(folder, specifier))
  const text = readFileSync(file, 'utf8')
    .replaceAll(/(?<=\b(?:from|import) ')\.[^']*\.ts(?=')/g, specifier => built(specifier) ?? specifier)
    .replaceAll(/(?<=\bimport\(')\.[^']*\.ts(?='\))/g, specifier => built(specifier) ?? specifier)
    .replaceAll(/(?<=\bnew URL\(')[^']*\.ts(?=', import\.meta\.url\))/g, name => {
      const target = built(name)
      return target === undefined ? name : pathToFileURL(target).href
    })
    .replaceAll(/(?<=\bnew URL\(.*, )import\.meta\.url(?=\))/g, `'${pathToFileURL(file).href}'`)
  return transform(text, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: file,
    sourcemap: 'inline',
    // `class A { x }` is a field, as for tsc
    tsconfigRaw: { compilerOptions: { target: 'es2023', useDefineForClassFields: true, verbatimModuleSyntax: true } },
  })
}

async function write(file) {
  const { code } = await compiled(file)
  const target = builtFrom(file)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, code)
}

rmSync(out, { recursive: true, force: true })
await Promise.all(sources.map(write))
