#!/usr/bin/env bash
# Generated models of Keras, on TensorFlow and on JAX, through the command and back; every operation in every
# element type; the large architectures of keras.applications. Against Keras itself, in an environment of its
# own. Skipped, and says so, when that cannot be downloaded.
#   Tests/Keras/models.sh [COUNT]     COUNT generated models, 400 unless given; below 100 nothing else is run
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=${CAIRN:-.build/release/cairn}
count=${1:-400}
if [ ! -x "$cairn" ]; then
  echo "models: $cairn is not built; 'make build' does" >&2
  exit 1
fi
venv=.venv-models
if ! KERAS_BACKEND=jax \
  Scripts/python-environment.sh "$venv" Tests/Keras/requirements-models.txt 'tensorflow, keras, jax'; then
  echo "models: SKIPPED, there is no environment with Keras and TensorFlow"
  exit 0
fi
python=("$venv/bin/python" -B -W ignore)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
half=$((count / 2))
KERAS_BACKEND=tensorflow "${python[@]}" Tests/Keras/generate_models.py "$folder" \
  --count $((count - half)) --every 2 --first 0 >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
KERAS_BACKEND=jax "${python[@]}" Tests/Keras/generate_models.py "$folder" \
  --count "$half" --every 2 --first 1 >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
loads=()
[ "$count" -ge 100 ] && loads=(--load)
KERAS_BACKEND=tensorflow "${python[@]}" Tests/Keras/test_models.py --cairn "$cairn" --models "$folder" \
  ${loads[@]+"${loads[@]}"}
[ "$count" -ge 100 ] || exit 0
KERAS_BACKEND=tensorflow "${python[@]}" Tests/Keras/test_operations.py --cairn "$cairn"
KERAS_BACKEND=tensorflow "${python[@]}" Tests/Keras/test_applications.py --cairn "$cairn"
