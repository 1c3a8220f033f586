#!/bin/sh
# Checks a package that scripts/build-deb.sh made, as root: lintian has no errors, and on a copy of this machine (an overlay
# that is thrown away) it installs, initialises, serves, survives being installed again, refuses a downgrade, and leaves the
# data when it is removed. Nothing of this machine is changed.
#
#   scripts/check-deb.sh PACKAGE.deb
#
# Needs lintian, softhsm2, systemd (for systemd-sysusers and systemd-tmpfiles) and curl; the kernel needs overlayfs.
set -eu

package=$(realpath "${1:?usage: check-deb.sh PACKAGE.deb}")
say() { printf 'check-deb: %s\n' "$*"; }
fail() {
  printf 'check-deb: FAILED: %s\n' "$*" >&2
  exit 1
}

if [ "${2:-}" != inside ]; then
  [ "$(id -u)" -eq 0 ] || fail 'run this as root'
  say 'lintian'
  lintian --allow-root --fail-on error "$package" >/dev/null || {
    lintian --allow-root "$package" | grep '^E:' >&2
    fail 'lintian found errors'
  }
  # A new mount namespace: the overlay goes with the last process in it.
  exec unshare --mount --pid --fork --kill-child sh "$0" "$package" inside
fi

# --- A copy of this machine ------------------------------------------------------------------------------------------

mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
at=/mnt/root
mount -t proc proc $at/proc
mount --bind /dev $at/dev
mount -t tmpfs -o mode=1777 tmpfs $at/dev/shm
mount -t tmpfs -o mode=0755 tmpfs $at/run
mount -t tmpfs -o mode=1777 tmpfs $at/tmp
cp "$package" $at/tmp/warder.deb
in_copy() { chroot $at /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }

# install: the machine's Node.js need not be Debian's package
install() { in_copy dpkg --force-depends --install /tmp/warder.deb >/mnt/dpkg.log 2>&1; }
expect() {
  what=$1
  shift
  "$@" >/mnt/out.log 2>&1 || {
    cat /mnt/out.log /mnt/*.service.log >&2 2>/dev/null || true
    fail "$what"
  }
  say "$what"
}
refused() { ! "$@"; }

# as the service manager does: credentials of its own, the user's groups, in the background
start() {
  user=$1 credential=$2
  shift 2
  in_copy install -d -m 0700 -o "$user" "/run/given-$user"
  in_copy install -m 0400 -o "$user" "/etc/warder/credentials/$credential" "/run/given-$user/$credential"
  # exec: the process that is waited for is the program itself
  (exec chroot $at /usr/bin/env -i PATH=/usr/bin:/bin CREDENTIALS_DIRECTORY="/run/given-$user" \
    setpriv --reuid "$user" --regid "$user" --init-groups --bounding-set=-all --no-new-privs \
    "$@" >"/mnt/$user.service.log" 2>&1) &
}
within() {
  what=$1 tries=200
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || {
      cat /mnt/*.service.log >&2
      fail "$what, within 20 s"
    }
    sleep 0.1
  done
  say "$what"
}
stop() {
  kill "$1"
  wait "$1" || fail "it ended with $?"
}

# --- Install and use it ----------------------------------------------------------------------------------------------

expect 'it installs' install
expect 'its programs start' in_copy sh -c 'warder --help && warder-hsm --help'
expect 'it makes its users' in_copy sh -c 'id warder && id warder-hsm && id -nG warder | grep -qw warder-hsm-clients'
expect 'it makes its directories' in_copy sh -c '[ "$(stat -c "%U:%G %a" /run/warder-hsm)" = "warder-hsm:warder-hsm-clients 2750" ]'
expect 'it makes a token' in_copy warder-hsm init --new-token
start warder-hsm hsm-pin warder-hsm serve
hsm=$!
within 'its HSM hosts are ready' grep -q '"host":1,.*HSM host is ready' /mnt/warder-hsm.service.log
expect 'it initialises' in_copy warder init --admin-key-file /root/admin.key
expect 'its configuration is well' in_copy warder config check

call() {
  in_copy curl -sS --fail --cacert /etc/warder/tls/ca.pem -H @/root/header "https://localhost:8443$1"
}
in_copy sh -c 'umask 077; printf "Authorization: Bearer %s\n" "$(cat /root/admin.key)" >/root/header'
start warder tls-key warder serve
api=$!
within 'it serves' call /v1/spaces/default/keys
stop $api

# --- Another version, and none ---------------------------------------------------------------------------------------

expect 'it installs again over itself' install
start warder tls-key warder serve
api=$!
within 'it serves the same data' call /v1/spaces/default/keys
stop $api

cp $at/var/lib/warder/format.json /mnt/format.json
printf '{"format":1000}\n' >$at/var/lib/warder/format.json
expect 'it refuses to be installed over newer data' refused install
grep -q 'a downgrade is not possible' /mnt/dpkg.log || fail 'it does not say why'
cp /mnt/format.json $at/var/lib/warder/format.json
in_copy chown warder: /var/lib/warder/format.json
expect 'it installs after that' install

stop $hsm
expect 'it is removed' in_copy dpkg --purge warder
expect 'its data stays' in_copy sh -c 'ls /var/lib/warder/store.sqlite /var/lib/warder-ca/ca.key /etc/warder/credentials/hsm-pin'
say 'all is well'
