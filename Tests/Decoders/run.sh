#!/usr/bin/env bash
# Every zlib stream of containers that Cairn wrote, and of the conformance suite's valid ones, through
# three decoders: Python's zlib, zlib-ng and ISA-L, in an environment of their own.
# Skipped, and says so, when the decoders cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=.build/release/cairn
if [ ! -x "$cairn" ]; then
  echo "decoders: $cairn is not built; 'make build' does" >&2
  exit 1
fi
venv=.venv-decoders
requirements=Tests/Decoders/requirements.txt
# The copy beside the environment is written last: it says for what the environment is complete.
if ! cmp -s "$requirements" "$venv/requirements.txt" \
  || ! "$venv/bin/python" -c 'import isal, zlib_ng' 2>/dev/null; then
  if ! python3 -m venv --clear "$venv"; then
    echo "decoders: SKIPPED, there is no Python to make an environment with"
    exit 0
  fi
  # Not bin/pip, whose first line names a path that may have moved.
  if ! "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --retries 2 \
    --requirement "$requirements"; then
    echo "decoders: SKIPPED, zlib-ng and ISA-L cannot be downloaded"
    exit 0
  fi
  cp "$requirements" "$venv/requirements.txt"
fi
weights=$(Scripts/fetch-minilm.sh)
exec "$venv/bin/python" Tests/Decoders/test_decoders.py --cairn "$cairn" \
  ${weights:+--weights "$weights"} "$@"
