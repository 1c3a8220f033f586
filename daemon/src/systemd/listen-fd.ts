import { WarderError } from '@warder/contract'

/** SD_LISTEN_FDS_START (sd_listen_fds(3)). */
const firstFd = 3

/**
 * The listening socket that was passed to this process, if there is one, and removes the note of it from the environment:
 * a child must not take it for its own. Node.js itself marks inherited descriptors close-on-exec when it starts.
 * @throws WarderError `config-invalid` when more than one was passed: nobody could say which is which.
 */
export function takeListenFd(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = environment
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name]
  if (forPid !== String(pid) || count === undefined) return undefined
  if (count !== '1') {
    throw new WarderError('config-invalid', `${count} sockets were passed, and one is served: see warder.socket`, {
      facts: { field: 'listen', reason: 'sockets' },
    })
  }
  return firstFd
}
