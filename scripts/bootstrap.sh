#!/bin/sh
# Prepares this clone: Debian packages, npm packages, build. `bootstrap.sh test` also installs what only the tests need.
# Runs before `npm run demo` and `npm test`, does only what is
# missing, and may be run at any time, by several at once. Exit 1: something is missing, and the last lines say what.
set -eu

# A login shell of an ordinary user has no sbin directories in its path; apt-get and dpkg need them.
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export PATH
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

# run WHAT COMMAND...: quiet when it succeeds; its whole output when it does not.
run() {
  what=$1
  shift
  say "$what"
  log=$(mktemp)
  if "$@" >"$log" 2>&1 9<&-; then
    rm -f "$log"
  else
    status=$?
    sed 's/^/  | /' "$log" >&2
    rm -f "$log"
    fail "failed (exit $status): $*"
  fi
}

have() { command -v "$1" >/dev/null 2>&1; }

have node || fail 'Node.js 20.19 or newer is needed (https://nodejs.org, or Debian 13: apt-get install nodejs npm)'
have npm || fail 'npm is needed beside Node.js (Debian: apt-get install npm)'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js 20.19 or newer is needed, this is $(node --version)"

# The lock is on the open file, so it ends with this process however that ends. Children do not inherit it (see run).
if have flock; then
  exec 9<package.json
  flock --nonblock 9 || {
    say 'another bootstrap of this folder is at work, waiting for it'
    flock 9
  }
fi

# --- What is missing -------------------------------------------------------------------------------------------------

packages=''
need() { packages="$packages $1"; }

have softhsm2-util || need softhsm2
have openssl || need openssl
if [ "${1:-}" = test ]; then
  have systemd-analyze || need systemd
  # A module that counts what is asked of the token, and a second token to test against.
  set -- /usr/lib/*/pkcs11-spy.so
  [ -e "$1" ] || need opensc-pkcs11
  # A server before a token, so that one can be killed and hung.
  have p11-kit || need p11-kit
  set -- /usr/lib/*/pkcs11/p11-kit-client.so
  [ -e "$1" ] || need p11-kit-modules
  set -- /usr/lib/*/libsoftokn3.so /usr/lib/*/nss/libsoftokn3.so
  [ -e "$1" ] || [ -e "$2" ] || need libnss3
fi

stale=$(node scripts/installed.mjs)
if [ -n "$stale" ]; then
  have g++ || need g++
  have make || need make
  have python3 || need python3
  # Debian's own Node keeps its headers in a package; every other distribution of Node brings them along.
  if [ -z "$(node scripts/node-headers.mjs)" ] && have apt-cache; then
    major=$(node -p 'process.versions.node.split(".")[0]')
    case $(apt-cache policy libnode-dev 2>/dev/null | sed -n 's/^ *Candidate: //p') in
      "$major".*) need libnode-dev ;;
    esac
  fi
fi

# --- Debian packages -------------------------------------------------------------------------------------------------

if [ -n "$packages" ]; then
  by_hand="Install these, then run this again:$packages (on Debian, as root: apt-get install$packages)"
  have apt-get || fail "$by_hand"
  if [ "$(id -u)" -eq 0 ]; then
    root=''
  elif have sudo && sudo -n true 2>/dev/null; then
    root='sudo -n'
  else
    fail "Debian packages are missing and neither root nor password-less sudo is at hand. $by_hand"
  fi
  # shellcheck disable=SC2086 # both are lists of words
  {
    run 'apt-get update' $root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    run "apt-get install$packages" $root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $packages
  }
fi

# --- npm packages ----------------------------------------------------------------------------------------------------

if [ -n "$stale" ]; then
  nodedir=$(node scripts/node-headers.mjs)
  if [ -n "$nodedir" ]; then
    npm_config_nodedir=$nodedir
    export npm_config_nodedir
  else
    say "the headers of Node.js $(node --version) are not on this machine: node-gyp will fetch them from nodejs.org"
  fi
  # Built here from the source the lockfile pins; its ready-made binary would come from elsewhere, with no digest to check.
  npm_config_build_from_source=better-sqlite3
  export npm_config_build_from_source
  run "npm ci ($stale; compiles native modules, about two minutes)" npm ci --include=dev --no-audit --no-fund
  stale=$(node scripts/installed.mjs)
  [ -z "$stale" ] || fail "npm ci succeeded, and still: $stale. Are install scripts switched off (npm config get ignore-scripts)?"
fi

# --- Build -----------------------------------------------------------------------------------------------------------

run 'build (tsc -b)' node_modules/.bin/tsc -b
