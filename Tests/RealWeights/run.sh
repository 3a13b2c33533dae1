#!/usr/bin/env bash
# The tests on real weights, against the formats' own Python libraries in an environment of their own.
# Skipped, and says so, when the weights or the libraries cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

weights=$(Scripts/fetch-minilm.sh)
if [ -z "$weights" ]; then
  echo "real weights: SKIPPED, they cannot be downloaded"
  exit 0
fi
venv=.venv-peers
if [ ! -x "$venv/bin/python" ]; then python3 -m venv "$venv"; fi
if ! "$venv/bin/python" -c 'import ml_dtypes, numpy, safetensors' 2>/dev/null; then
  if ! "$venv/bin/pip" install --quiet --requirement Tests/RealWeights/requirements.txt; then
    echo "real weights: SKIPPED, the Python peers cannot be downloaded"
    exit 0
  fi
fi
"$venv/bin/python" Tests/RealWeights/test_real_weights.py --cairn .build/release/cairn \
  --weights "$weights"
