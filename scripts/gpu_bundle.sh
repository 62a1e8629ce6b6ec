#!/usr/bin/env bash
# Unpacks the small libraries that cinch is built with into bundle/, for a machine with a GPU and nothing to install from.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(nlohmann-json3-dev libcli11-dev libgtest-dev googletest libhwy-dev libhwy1 zlib1g-dev)

usage() {
  cat <<TEXT
usage: scripts/gpu_bundle.sh

Downloads and unpacks into bundle/ (ignored by git, replaced): ${packages[*]}
Carry the folder along and run scripts/gpu_check.sh there.
TEXT
}

case "${1:-}" in
  -h|--help) usage; exit 0 ;;
  "") ;;
  *) usage >&2; exit 2 ;;
esac

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq "${packages[@]}")
rm -rf bundle
mkdir bundle
for deb in "$work"/*.deb; do dpkg-deb -x "$deb" bundle; done
rm -rf bundle/usr/share/doc bundle/usr/share/man bundle/usr/share/lintian
size=$(du -sm bundle | cut -f1)
[ "$size" -lt 40 ] || { echo "gpu_bundle: bundle/ has $size MiB, more than 40" >&2; exit 1; }
echo "gpu_bundle: bundle/ has $size MiB"
