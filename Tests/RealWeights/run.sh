#!/usr/bin/env bash
# The tests on real weights, against the formats' own Python libraries in an environment of their own.
# Skipped, and says so, when the weights or the libraries cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=.build/release/cairn
if [ ! -x "$cairn" ]; then
  echo "real weights: $cairn is not built; 'make build' does" >&2
  exit 1
fi
weights=$(Scripts/fetch-minilm.sh)
if [ -z "$weights" ]; then
  echo "real weights: SKIPPED, they cannot be downloaded"
  exit 0
fi
venv=.venv-peers
requirements=Tests/RealWeights/requirements.txt
# The copy beside the environment is written last: it says for what the environment is complete.
if ! cmp -s "$requirements" "$venv/requirements.txt" \
  || ! "$venv/bin/python" -c 'import ml_dtypes, numpy, safetensors' 2>/dev/null; then
  if ! python3 -m venv --clear "$venv"; then
    echo "real weights: SKIPPED, there is no Python to make an environment with"
    exit 0
  fi
  # Not bin/pip, whose first line names a path that may have moved.
  if ! "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --retries 2 \
    --requirement "$requirements"; then
    echo "real weights: SKIPPED, the Python peers cannot be downloaded"
    exit 0
  fi
  cp "$requirements" "$venv/requirements.txt"
fi
exec "$venv/bin/python" Tests/RealWeights/test_real_weights.py --cairn "$cairn" \
  --weights "$weights" "$@"
