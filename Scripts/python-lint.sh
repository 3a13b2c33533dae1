#!/usr/bin/env bash
# The Python scripts, by ruff (ruff.toml) and by mypy (mypy.ini), in an environment of their own.
# Skipped, and says so, where they cannot be downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.cache/lint/venv
mkdir -p .cache/lint
if ! Scripts/python-environment.sh "$venv" Scripts/lint-requirements.txt 'mypy, numpy, ruff'; then
  echo "lint: the Python scripts SKIPPED, there is no environment with ruff and mypy" >&2
  exit 0
fi
failed=0
"$venv/bin/python" -m ruff check --quiet --cache-dir .cache/lint/ruff . || failed=1
# A folder of scripts is a program of its own, and names such as run.py come again in others. The writer of the
# conformance suite is used by some.
for folder in Benchmarks Fixtures/scripts Fuzz/Hostile Fuzz/Scripts Scripts \
  Tests/{Conformance,Decoders,Formats,Keras,Keras2,RealWeights}; do
  MYPYPATH="$folder:Fixtures/scripts" "$venv/bin/python" -m mypy --explicit-package-bases --no-error-summary \
    --cache-dir ".cache/lint/mypy/$folder" "$folder" || failed=1
done
exit "$failed"
