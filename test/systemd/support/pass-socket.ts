/**
 * Does what systemd does for a socket unit: binds and listens on a free port of loopback, passes that socket as descriptor 3
 * and becomes the command, so that the process number is the one in LISTEN_PID. The port is the first line on stdout.
 */
const passer = `
use Socket; use POSIX ();
BEGIN { $^F = 255; $| = 1 }
my $s; socket($s, PF_INET, SOCK_STREAM, 0) && bind($s, sockaddr_in(0, INADDR_LOOPBACK)) && listen($s, 128) || die $!;
my ($port) = sockaddr_in(getsockname $s);
print "$port\\n";
POSIX::dup2(fileno($s), 3) unless fileno($s) == 3;
$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_FDNAMES} = 'warder.socket';
exec @ARGV or die $!;
`

export const passingSocket: readonly string[] = ['perl', '-e', passer]

/** A network namespace of its own, with not even loopback up. None of these programs forks, so the number stays. */
export const inEmptyNetwork: readonly string[] =
  process.getuid?.() === 0 ? ['unshare', '--net'] : ['unshare', '--user', '--map-root-user', '--net']
