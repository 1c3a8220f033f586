import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Log } from '@warder/contract'
import { program } from '../cli/program.ts'

/**
 * Runs `warder-hsm` as a child, as systemd would run it beside us, and starts it again should it die. It ends when this
 * process does, however that ends: it watches its stdin.
 */
export function superviseHsm(configFile: string, log: Log): AsyncDisposable {
  let closing = false
  let child = start()

  function start(): ChildProcess {
    const { command, args } = program('hsm', ['serve', '--config', configFile, '--exit-with-parent'])
    const started = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] })
    started.once('exit', (code, signal) => {
      if (closing) return
      log.error('the HSM supervisor ended; starting it again', { code: code ?? undefined, signal: signal ?? undefined })
      setTimeout(() => {
        if (!closing) child = start()
      }, 500)
    })
    return started
  }

  return {
    async [Symbol.asyncDispose]() {
      if (closing) return
      closing = true
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.stdin?.end()
      await ended
    },
  }
}
