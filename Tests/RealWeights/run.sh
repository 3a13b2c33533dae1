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
if ! Scripts/python-environment.sh "$venv" Tests/RealWeights/requirements.txt 'ml_dtypes, numpy, safetensors'; then
  echo "real weights: SKIPPED, there is no environment with the Python peers"
  exit 0
fi
exec "$venv/bin/python" Tests/RealWeights/test_real_weights.py --cairn "$cairn" \
  --weights "$weights" "$@"
