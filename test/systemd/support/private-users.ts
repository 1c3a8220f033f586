import type { Account } from './machine.ts'

/**
 * Does what PrivateUsers=yes does: a user namespace that knows root and the user, and in which everybody else looks like
 * nobody; then becomes the user there. For root. The process number stays. A helper outside writes the maps, as only
 * root out there may map two users.
 */
const entrance = `
use POSIX ();
my ($uid, $gid) = (shift, shift);
my $unshare = { x86_64 => 272, aarch64 => 97 }->{(POSIX::uname())[4]} or die 'unknown machine';
my $pid = $$;
pipe(my $entered, my $enter); pipe(my $mapped, my $map);
if (!fork) {
  close $enter; close $mapped; <$entered>;
  for (['uid', $uid], ['gid', $gid]) {
    open my $file, '>', "/proc/$pid/$_->[0]_map" or die $!;
    syswrite $file, "0 0 1\\n$_->[1] $_->[1] 1\\n" or die $!;
  }
  print $map "done\\n"; close $map; POSIX::_exit(0);
}
close $entered; close $map;
syscall($unshare, 0x10000000) == 0 or die $!;
print $enter "in\\n"; close $enter; <$mapped> eq "done\\n" or die 'not mapped';
POSIX::setgid($gid) && POSIX::setuid($uid) or die $!;
exec @ARGV or die $!;
`

export const inPrivateUsers = ({ uid, gid }: Account): readonly string[] => [
  'perl',
  '-e',
  entrance,
  String(uid),
  String(gid),
]
