#!/usr/bin/env bash
# Makes the Python environment of the peers in .cache/benchmarks, with exactly the versions of
# requirements.txt, and prints the path of its Python.
#
# PyPI's own torch brings gigabytes of GPU libraries; the CPU's wheel is on PyTorch's index. If pip
# isn't set up to find it, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu is the way.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=Benchmarks/requirements.txt
venv=$PWD/.cache/benchmarks/venv
others() { grep -vE '^(torch|zipnn)==' "$requirements"; }
install() {
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --retries 2 \
    --requirement "$1" >&2
}

# The copy beside the environment is written last: it says for what the environment is complete.
if ! { cmp -s "$requirements" "$venv/requirements.txt" \
  || others | cmp -s - "$venv/requirements.txt"; } \
  || ! "$venv/bin/python" -c 'import blosc2, h5py, ml_dtypes, numpy, safetensors' 2>/dev/null; then
  mkdir -p "${venv%/*}"
  python3 -m venv --clear "$venv"
  echo "benchmarks: installing the peers (1.1 GB with torch) in .cache/benchmarks/venv" >&2
  if install "$requirements"; then
    cp "$requirements" "$venv/requirements.txt"
  else
    # ZipNN needs torch: both are left out, and the report says so.
    echo "benchmarks: going on without torch and ZipNN, until $venv is removed" >&2
    others >"$venv/others.txt"
    install "$venv/others.txt"
    mv "$venv/others.txt" "$venv/requirements.txt"
  fi
fi
echo "$venv/bin/python"
