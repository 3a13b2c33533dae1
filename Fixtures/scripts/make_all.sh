#!/bin/sh
# Makes every folder of Fixtures/ that a Python script makes. Run twice, it gives the same bytes.
set -eu

scripts=$(cd "$(dirname "$0")" && pwd)
"$scripts/environment.sh"
python="$scripts/../../.venv-fixtures/bin/python"

for script in make_conformance make_digits make_layers make_keras_layers make_keras_models \
  make_tensors make_safetensors; do
  "$python" "$scripts/$script.py"
done
