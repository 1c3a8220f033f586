import { join } from 'node:path'
import { root } from './files.ts'

/** `npm test` sets it, after it has built: what is tried then is what users get, and it starts sooner. */
const built = process.env['WARDER_TEST_BUILT'] === '1'

// Node resolves the name of a loader from the working directory, which need not be ours.
const fromSource = process.execArgv.map(option => option.replace(/(?<==|^)tsx$/, import.meta.resolve('tsx')))

/**
 * How to start a program of this product, from any directory: `index` is `warder`, `hsm` is `warder-hsm`. From source, or as
 * it was built. `nodeOptions` are Node's own.
 */
export function program(name: 'index' | 'hsm', nodeOptions: readonly string[] = []): readonly [string, ...string[]] {
  return built
    ? [process.execPath, ...nodeOptions, join(root, `daemon/dist/cli/${name}.js`)]
    : [process.execPath, ...fromSource, ...nodeOptions, join(root, `daemon/src/cli/${name}.ts`)]
}
