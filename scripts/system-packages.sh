#!/usr/bin/env bash
# Install packages from Debian where that is allowed; otherwise name the command. Never fails.
# Usage: scripts/system-packages.sh WHAT-THEY-ARE-FOR PACKAGE…
set -uo pipefail
purpose="$1"
shift
missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing from Debian, for $purpose: ${missing[*]} …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && exit 0
fi
echo "Not here, and only needed for $purpose. To have it:  sudo apt-get install ${missing[*]}" >&2
exit 0
