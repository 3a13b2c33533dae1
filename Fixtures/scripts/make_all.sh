#!/bin/sh
# Makes every folder of Fixtures/ that a Python script makes. Run twice, it gives the same bytes.
set -eu

# With the argument formats: those that need PyTorch and its like instead.
scripts=$(cd "$(dirname "$0")" && pwd)
"$scripts/environment.sh" ${1:+"$1"}
python="$scripts/../../.venv-${1:-fixtures}/bin/python"

case "${1:-}" in
  formats) set -- archives gguf gguf_more onnx onnx_more sharded tensorflow torch torch_matrix ;;
  *) set -- conformance digits keras_layers keras_models keras_stacks keras_operations keras_float64 keras_optimizers tensors safetensors numpy hdf5 sha256 ;;
esac
for script in "$@"; do
  "$python" "$scripts/make_$script.py"
done
