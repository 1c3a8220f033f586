import { fileURLToPath } from 'node:url'

const from = (path: string): URL => new URL(`../../daemon/dist/${path}`, import.meta.url)

/** The program `warder` as it was built. */
export const builtCli = fileURLToPath(from('cli/index.js'))

/** A module of the daemon as it was built: what is measured is what is shipped. Typed by its source. */
export async function built<Module>(path: string): Promise<Module> {
  return (await import(from(path).href)) as Module
}
