#!/usr/bin/env bash
# Keras's own models through the command and back, against Keras itself in an environment of its own.
# Skipped, and says so, when Keras cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=${CAIRN:-.build/release/cairn}
if [ ! -x "$cairn" ]; then
  echo "keras: $cairn is not built; 'make build' does" >&2
  exit 1
fi
venv=.venv-keras
if ! KERAS_BACKEND=numpy \
  Scripts/python-environment.sh "$venv" Tests/Keras/requirements.txt 'keras, numpy, safetensors'; then
  echo "keras: SKIPPED, there is no environment with Keras"
  exit 0
fi
for test in test_round_trip test_known_failures; do
  KERAS_BACKEND=numpy "$venv/bin/python" -B -W ignore "Tests/Keras/$test.py" --cairn "$cairn" "$@"
done
# A few generated models, where the environment of `make test-models` is there already.
if [ -x .venv-models/bin/python ]; then
  CAIRN=$cairn Tests/Keras/models.sh 24
fi
