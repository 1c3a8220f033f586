#!/bin/sh
# Builds warder_VERSION_ARCH.deb from this clone, with the npm packages that the lockfile pins, native modules compiled for
# the running Node.js. Prints the path of the package.
#
#   scripts/build-deb.sh [DIRECTORY]    DIRECTORY is where the package is put; default: dist
#
# Needs dpkg-deb, npm, and what compiles native modules (scripts/bootstrap.sh installs it). The same sources, Node.js and
# compiler give the same bytes: times are SOURCE_DATE_EPOCH (default: of the last commit), owners are root.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p -- "${1:-$root/dist}"
out=$(CDPATH='' cd -- "${1:-$root/dist}" && pwd)
cd "$root"

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
# Who answers for this build of the package.
maintainer=${DEB_MAINTAINER:-Warder maintainers <maintainers@example.org>}
version=$(node -p 'require("./daemon/package.json").version')
format=$(sed -n 's/^export const dataFormat = \([0-9]*\)$/\1/p' daemon/src/serve/data-format.ts)
arch=$(dpkg --print-architecture)
major=$(node -p 'process.versions.node.split(".")[0]')

umask 022
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
app=$stage/usr/lib/warder

say() { printf 'build-deb: %s\n' "$*" >&2; }

# --- The program -----------------------------------------------------------------------------------------------------

say 'compiling'
node_modules/.bin/tsc -b plugins/hsm-pkcs11 plugins/storage-sqlite daemon >&2

say 'installing the npm packages that it needs to run (compiles native modules)'
mkdir -p "$app"
cp package.json package-lock.json "$app/"
node -p 'require("./package.json").workspaces.join("\n")' | while read -r workspace; do
  mkdir -p "$app/$workspace"
  cp "$workspace/package.json" "$app/$workspace/"
done
nodedir=$(node scripts/node-headers.mjs)
if [ -n "$nodedir" ]; then
  npm_config_nodedir=$nodedir
  export npm_config_nodedir
fi
# Paths of the build machine do not belong into what is built.
CFLAGS="-ffile-prefix-map=$stage=" CXXFLAGS="-ffile-prefix-map=$stage=" npm_config_build_from_source=better-sqlite3 \
  npm ci --prefix "$app" --omit=dev --no-audit --no-fund --loglevel=error >&2

for workspace in plugins/contract core plugins/hsm-pkcs11 plugins/storage-sqlite daemon; do
  cp -R "$workspace/dist" "$app/$workspace/"
  rm -f "$app/$workspace/dist/.tsbuildinfo"
done

say 'removing what is there for building only'
rm -rf "$app/plugins/testkit" "$app/node_modules/@warder/testkit" \
  "$app/node_modules/.package-lock.json" "$app/node_modules/.bin" "$app/node_modules/better-sqlite3/deps" \
  "$app/node_modules/better-sqlite3/src" "$app/node_modules/@types"
find "$app/node_modules" -name build -type d -path '*/build' -prune | while read -r build; do
  [ -d "$build/Release" ] || continue
  find "$build" -type f ! -name '*.node' -delete
  find "$build" -type f -path '*/obj.target/*' -delete
  find "$build" -type l -delete
  find "$build" -type d -empty -delete
done
# Binaries of other machines and C libraries, and sources of what is compiled.
find "$app/node_modules" -type d -name prebuilds -prune -exec rm -rf {} +
find "$app/node_modules" -type f \( -name '*.musl.node' -o -name test_extension.node \) -delete
find "$app/node_modules" -type f \( -name '*.c' -o -name '*.cc' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.gyp' \
  -o -name '*.gypi' -o -name '*.o' -o -name '*.a' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '.gitignore' \
  -o -name '.npmignore' -o -name '.travis.yml' -o -name '.eslintrc*' -o -name '.editorconfig' -o -name '.gitattributes' -o -name '*.html' -o -name '*.sh' \) -delete
find "$app/node_modules" -type d \( -name .github -o -name .husky -o -name test -o -name tests -o -name example -o -name examples -o -name .nyc_output \) \
  -not -path '*/dist/*' -prune -exec rm -rf {} +
find "$app" -type d -empty -delete
find "$app" -type f -name '*.node' -exec strip --strip-unneeded {} +
find "$app" -type f -exec chmod 0644 {} +
# Nothing in there is started by its first line, but by /usr/bin/node: see the wrappers below.
grep -rlI '^#!' "$app" --include='*.js' --include='*.ts' --include='*.cjs' --include='*.mjs' | while read -r file; do
  sed -i '1s/^#!.*$//' "$file"
done

mkdir -p "$stage/usr/bin"
for program in warder:index warder-hsm:hsm; do
  cat >"$stage/usr/bin/${program%%:*}" <<WRAPPER
#!/bin/sh
exec /usr/bin/node /usr/lib/warder/daemon/dist/cli/${program##*:}.js "\$@"
WRAPPER
  chmod 0755 "$stage/usr/bin/${program%%:*}"
done

# --- What runs it ----------------------------------------------------------------------------------------------------

place() { install -D -m 0644 "$1" "$stage/$2"; }
for unit in warder.service warder.socket warder-hsm.service; do
  place "systemd/$unit" "lib/systemd/system/$unit"
  # What `warder doctor` compares with.
  place "systemd/$unit" "usr/lib/warder/systemd/$unit"
done
place systemd/sysusers.d/warder.conf usr/lib/sysusers.d/warder.conf
place systemd/tmpfiles.d/warder.conf usr/lib/tmpfiles.d/warder.conf
place packaging/warder.toml etc/warder/warder.toml
place packaging/softhsm2.conf etc/warder/softhsm2.conf

doc=usr/share/doc/warder
place packaging/copyright "$doc/copyright"
place README.md "$doc/README.md"
place docs/threat-model.md "$doc/threat-model.md"
place docs/operations.md "$doc/operations.md"
for example in systemd/examples/*.conf; do
  place "$example" "$doc/examples/$(basename "$example")"
done
printf 'warder (%s) stable; urgency=medium\n\n  * See README.md.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$stage/$doc/changelog.gz"
place packaging/lintian-overrides usr/share/lintian/overrides/warder

# --- The package -----------------------------------------------------------------------------------------------------

upstream() { dpkg-query -W -f '${Version}' "$1" | sed 's/^[0-9]*://; s/-.*//'; }
mkdir "$stage/DEBIAN"
cat >"$stage/DEBIAN/control" <<CONTROL
Package: warder
Version: $version
Architecture: $arch
Maintainer: $maintainer
Section: admin
Priority: optional
Depends: nodejs (>= 20.19), nodejs (>= $major), nodejs (<< $((major + 1))), systemd (>= 252), libc6 (>= $(upstream libc6)), libstdc++6 (>= $(upstream libstdc++6))
Recommends: softhsm2
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$stage" | cut -f1)
Description: key-management appliance: keys in PKCS#11 HSMs, every use on record
 A daemon that keeps cryptographic keys in a PKCS#11 HSM, decides who may use
 them, and writes down every use and every refusal before it answers. Private
 keys do not enter the process that talks to the network.
CONTROL
printf '/etc/warder/softhsm2.conf\n/etc/warder/warder.toml\n' >"$stage/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
  sed "s/@FORMAT@/$format/" "packaging/$script" >"$stage/DEBIAN/$script"
  chmod 0755 "$stage/DEBIAN/$script"
done
(cd "$stage" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) \
  >"$stage/DEBIAN/md5sums"
find "$stage" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

package=$out/warder_${version}_$arch.deb
dpkg-deb --root-owner-group -Zxz --build "$stage" "$package" >&2
printf '%s\n' "$package"
