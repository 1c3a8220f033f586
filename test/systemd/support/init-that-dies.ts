import { reserveKeyFile } from '../../../daemon/src/init/admin-key.ts'
import { init } from '../../../daemon/src/init/run.ts'

/** A program: `init-that-dies CONFIG KEYFILE before|after`. As `warder init`, killed before or after the key is written. */
const [file = '', keyFile = '', moment] = process.argv.slice(2)
const die = (): Promise<void> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}
const quiet = (): void => undefined

await init({
  file,
  say: quiet,
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  reserveSink: async () => {
    const sink = await reserveKeyFile(keyFile)
    if (sink === undefined) return undefined
    return {
      ...sink,
      deliver: async key => {
        if (moment === 'before') await die()
        await sink.deliver(key)
        await die()
      },
    }
  },
})
