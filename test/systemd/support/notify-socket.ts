import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Binds a datagram socket, as the service manager does, and prints each message on a line. Node.js has no such sockets. */
const receiver = `
use Socket; $| = 1;
my $s; socket($s, PF_UNIX, SOCK_DGRAM, 0) && bind($s, sockaddr_un($ARGV[0])) || die $!;
my $m; print "bound\\n";
while (defined recv($s, $m, 65536, 0)) { $m =~ s/\\n/;/g; print "$m\\n" }
`

export interface NotifySocket extends AsyncDisposable {
  /** What was received, one entry a message, barriers left out. */
  readonly messages: readonly string[]
}

export async function bindNotifySocket(path: string): Promise<NotifySocket> {
  const perl = spawn('perl', ['-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(perl, 'exit')
  const messages: string[] = []
  let bound = (): void => {}
  const binding = new Promise<void>(resolve => (bound = resolve))
  let rest = ''
  perl.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'bound') bound()
      else if (!line.startsWith('BARRIER=')) messages.push(line)
    }
  })
  await Promise.race([binding, ended.then(() => Promise.reject(new Error('the socket was not bound')))])
  return {
    messages,
    [Symbol.asyncDispose]: async () => {
      perl.kill('SIGKILL')
      await ended
    },
  }
}
