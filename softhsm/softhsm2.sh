#!/bin/sh
# Makes a SoftHSM2 token for development and runs a command with it.
#
#   softhsm/softhsm2.sh DIR                       make the token, print where its configuration for the plugin is
#   softhsm/softhsm2.sh DIR pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --list-token-slots
#
# DIR gets softhsm2.conf, tokens/, the files `pin` and `so-pin` (random, mode 0600), the root keys warder/kek/1 and
# warder/store/1, and hsm.json. May be run again: a finished DIR is used as it is. The command sees SOFTHSM2_CONF.
# Runs from source; needs Node, the packages of this clone (npm ci) and Debian's softhsm2.
set -eu

if [ "$#" -lt 1 ]; then
  echo "usage: $0 DIR [command...]" >&2
  exit 2
fi

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
(umask 077 && mkdir -p -- "$1")
dir=$(CDPATH='' cd -- "$1" && pwd)
shift

# --import is resolved from the working directory; what it prints must not mix with the command's output
config=$(umask 077 && cd -- "$root" && node --import tsx --conditions warder-source plugins/hsm-pkcs11/src/make-softhsm-token.ts "$dir")

SOFTHSM2_CONF=$dir/softhsm2.conf
export SOFTHSM2_CONF

if [ "$#" -eq 0 ]; then
  echo "$config"
  exit 0
fi
exec "$@"
