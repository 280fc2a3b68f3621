#!/bin/sh
# Installs the server from this folder alone; nothing is fetched from a network.
#
#   ./install.sh [--nginx]     as root: Debian packages, program, settings, user, units of systemd; nginx if it is wanted
#   ./install.sh --root DIR    everything but packages, user and units' start, below DIR: for an image, or to look at it
#   ./install.sh --program DIR the program alone, for any user: DIR/bin/dispatch
#
# Running it again with a later release updates the program; settings and data stay. Exit code 1 with one line that says why.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=@VERSION@
root="" program="" mode=system packages="@PACKAGES@"

refuse() { echo "install.sh: $*" >&2; exit 1; }
case "${1-}" in
  "") ;;
  --nginx) packages="$packages nginx" ;;
  --root) [ -n "${2-}" ] || refuse "--root needs a directory"; mode=image; root=$2 ;;
  --program) [ -n "${2-}" ] || refuse "--program needs a directory"; mode=program; program=$2 ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

[ "$mode" != system ] || [ "$(id -u)" = 0 ] || refuse "run it as root, or with --program DIR"

cd "$here"
sha256sum --quiet --check --strict SHA256SUMS >/dev/null 2>&1 || refuse "a file of this release is damaged or missing: sha256sum -c SHA256SUMS names it"

# -- what Debian has to bring: chosen by apt from the packages in this folder, and from nowhere else ---------------------------
if [ "$mode" = system ] && [ -d debian ]; then
  lists=$(mktemp -d)
  trap 'rm -rf "$lists"' EXIT
  mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
  echo "deb [trusted=yes] file:$here/debian ./" >"$lists/sources.list"
  offline() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist="$lists/sources.list" \
      -o Dir::Etc::sourceparts=- -o Dir::State::lists="$lists/state/lists" -o Dir::Cache="$lists/cache" "$@"
  }
  # shellcheck disable=SC2086
  { offline update && offline install -y --no-install-recommends $packages; } >"$lists/log" 2>&1 \
    || { cat "$lists/log" >&2; refuse "the Debian packages could not be installed: $packages"; }
fi

# -- the program -----------------------------------------------------------------------------------------------------------------
python=$(command -v python3.11 || command -v python3) || refuse "Python 3.11 is missing"
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || refuse "Python 3.11 is needed; $python is another version"
[ "$mode" = program ] || program="$root/opt/dispatch/$version"
if [ ! -e "$program/.complete" ]; then
  [ "$mode" != program ] || [ ! -e "$program" ] || refuse "$program is there already"
  rm -rf "$program"  # what an installation that was cut off has left
  "$python" -m venv "$program" || refuse "no virtual environment: the package python3-venv is missing"
  PIP_CONFIG_FILE=/dev/null "$program/bin/pip" --isolated install --quiet --disable-pip-version-check --no-cache-dir --no-index \
    --find-links "$here/wheels" --constraint "$here/constraints.txt" "dispatch==$version" || { rm -rf "$program"; refuse "the program could not be installed"; }
  # Engine processes may not write here: their machine code is made now, beside its source.
  (cd / && "$program/bin/python" -m rooms.media.forwarding.native.image) || { rm -rf "$program"; refuse "the program could not be translated"; }
  touch "$program/.complete"
fi
[ "$mode" != program ] || { echo "installed: $program/bin/dispatch"; exit 0; }
ln -sfn "$version" "$root/opt/dispatch/current"

# -- settings, command, units ------------------------------------------------------------------------------------------------------
install -d -m 755 "$root/etc/dispatch" "$root/etc/systemd/system" "$root/usr/local/bin" "$root/usr/local/share/dispatch" "$root/var/lib"
[ -e "$root/etc/dispatch/settings.toml" ] || install -m 644 deploy/settings.toml "$root/etc/dispatch/settings.toml"
install -m 755 deploy/dispatch "$root/usr/local/bin/dispatch"
install -m 644 deploy/nginx.conf deploy/coturn/turnserver.conf "$root/usr/local/share/dispatch/"
for unit in dispatch.target dispatch-migrate.service dispatch-engine.service dispatch-engine@.service dispatch-recorder.service dispatch-jobs.service dispatch-web.service; do
  install -m 644 "deploy/systemd/$unit" "$root/etc/systemd/system/$unit"
done
install -d -m 755 "$root/etc/systemd/system/dispatch-.service.d"
install -m 644 deploy/systemd/dispatch-.service.d/common.conf "$root/etc/systemd/system/dispatch-.service.d/common.conf"
[ "$mode" = system ] || { echo "installed below $root"; exit 0; }

getent passwd dispatch >/dev/null \
  || adduser --quiet --system --group --home /var/lib/dispatch --no-create-home --gecos "Remote sittings" dispatch >/dev/null 2>&1 \
  || refuse "the user dispatch could not be made"
install -d -m 750 -o dispatch -g dispatch /var/lib/dispatch
systemctl enable --quiet dispatch.target || refuse "systemd is missing: start the parts by \"dispatch serve\""
if [ -d /run/systemd/system ]; then  # not in the image of a disk
  systemctl daemon-reload
  systemctl restart dispatch-migrate.service || refuse "the database could not be prepared: journalctl -u dispatch-migrate"
  systemctl restart dispatch.target
fi
echo "installed; look: dispatch check"
echo "the first administrator: dispatch user add NAME --role administrator"
