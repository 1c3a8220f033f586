# What the runbook takes for granted, below $HOME: an appliance as the package installs it, that is started. And what stands
# for systemd: `systemctl start|stop|restart UNIT` of the two services, which starts and ends the programs as the units do.

umask 077
etc=$HOME/etc data=$HOME/lib hsm=$HOME/lib-hsm run=$HOME/run safe=$HOME/root
mkdir -p "$etc" "$hsm/tokens" "$run" "$safe" "$data"
declare -A unit_pid=()

settled() { # until the unit says how it is, or has ended
  until grep -Eq "$2" "$3" 2>/dev/null; do
    kill -0 "${unit_pid[$1]}" 2>/dev/null || return 1
    sleep 0.05
  done
}

begin() {
  local unit=$1
  rm -f "$HOME/$unit.log"
  case $unit in
    warder-hsm)
      rm -f "$run/hsm-status.json"
      CREDENTIALS_DIRECTORY=$etc/credentials warder-hsm serve >"$HOME/$unit.log" 2>&1 &
      unit_pid[$unit]=$!
      settled "$unit" '"state": *"(sealed|serving|refused)"' "$run/hsm-status.json"
      ;;
    warder)
      CREDENTIALS_DIRECTORY=$etc/credentials warder serve >"$HOME/$unit.log" 2>&1 &
      unit_pid[$unit]=$!
      settled "$unit" '"message":"serving"' "$HOME/$unit.log"
      ;;
    *) return 2 ;;
  esac
}

systemctl() {
  local verb=$1 unit=$2
  case $verb in
    restart)
      systemctl stop "$unit"
      systemctl start "$unit"
      ;;
    stop)
      [ -n "${unit_pid[$unit]:-}" ] || return 0
      kill "${unit_pid[$unit]}" 2>/dev/null || true
      wait "${unit_pid[$unit]}" || true
      unset "unit_pid[$unit]"
      ;;
    start)
      # Restart=on-failure of the units; what no restart mends is said at once
      for _ in 1 2 3 4 5; do
        begin "$unit" && return 0
        grep -q hsm-unavailable "$HOME/$unit.log" || break
      done
      cat "$HOME/$unit.log"
      return 1
      ;;
    *) return 2 ;;
  esac
}

# Takes the place of the certificate with one of other dates.
certify() {
  local ca=$HOME/lib-ca work
  work=$(mktemp -d -p "$HOME")
  touch "$work/index"
  cat >"$work/ca.conf" <<END
[ca]
default_ca = it
[it]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = optional
[leaf]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
END
  openssl req -new -key "$etc/credentials/tls-key" -subj /CN=localhost -out "$work/csr" 2>/dev/null
  openssl ca -batch -config "$work/ca.conf" -cert "$ca/ca.pem" -keyfile "$ca/ca.key" -in "$work/csr" -notext \
    -startdate "$1" -enddate "$2" -out "$etc/tls/server.pem" 2>/dev/null
  rm -r "$work"
}

# A disk that can be filled.
mount -t tmpfs -o size=16m,mode=0700 warder-test "$data"

openssl rand -hex 16 >"$safe/passphrase"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -aes256 -pass "file:$safe/passphrase" -out "$safe/recipient.key"
openssl pkey -in "$safe/recipient.key" -passin "file:$safe/passphrase" -pubout -out "$etc/backup-recipient.pem"
warder-hsm init --new-token
systemctl start warder-hsm
warder init --admin-key-file "$safe/admin.key"
systemctl start warder
export WARDER_CACERT=$etc/tls/ca.pem WARDER_TOKEN_FILE=$safe/admin.key
warder key create release --algorithm P-256 >/dev/null
warder key public release --out "$safe/release.pem"
