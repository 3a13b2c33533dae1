#!/usr/bin/env bash
# Every zlib stream of containers that Cairn wrote, and of the conformance suite's valid ones, through
# three decoders: Python's zlib, zlib-ng and ISA-L, in an environment of their own.
# Skipped, and says so, when the decoders cannot be downloaded.
# Before that, SHA-256 against OpenSSL's, which needs a C compiler and Python alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

python3 Tests/Decoders/test_sha256.py

cairn=.build/release/cairn
if [ ! -x "$cairn" ]; then
  echo "decoders: $cairn is not built; 'make build' does" >&2
  exit 1
fi
venv=.venv-decoders
if ! Scripts/python-environment.sh "$venv" Tests/Decoders/requirements.txt 'isal, zlib_ng'; then
  echo "decoders: SKIPPED, there is no environment with zlib-ng and ISA-L"
  exit 0
fi
weights=$(Scripts/fetch-minilm.sh)
exec "$venv/bin/python" Tests/Decoders/test_decoders.py --cairn "$cairn" \
  ${weights:+--weights "$weights"} "$@"
