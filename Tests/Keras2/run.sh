#!/usr/bin/env bash
# Models of Keras 2.15 through the command: what `cairn predict` gives, against Keras 2.15 itself, from .keras
# and from .h5; and what is converted to the form of Keras 3.
# Skipped, and says so, where TensorFlow 2.15 cannot be had: it needs Python 3.9 to 3.11.
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=${CAIRN:-.build/release/cairn}
if [ ! -x "$cairn" ]; then
  echo "keras2: $cairn is not built; 'make build' does" >&2
  exit 1
fi
if ! PYTHON=${PYTHON:-python3.11} Fixtures/scripts/environment.sh keras2; then
  echo "keras2: SKIPPED, there is no environment with TensorFlow 2.15"
  exit 0
fi
models=.cache/keras2
rm -rf "$models"
.venv-keras2/bin/python -B -W ignore Fixtures/scripts/make_keras2.py --all "$models"
.venv-keras2/bin/python -B -W ignore Tests/Keras2/test_keras2.py --cairn "$cairn" --models "$models"
