#!/usr/bin/env bash
# python-environment.sh FOLDER REQUIREMENTS [MODULES]: an environment in FOLDER with exactly the packages
# of REQUIREMENTS, which must make `import MODULES` work. Nothing is done if it is there already.
# Exits 1, and says why, if there is no Python or the packages cannot be downloaded.
# PYTHON names the interpreter to start from.
set -euo pipefail

folder=$1 requirements=$2 modules=${3:-sys}
# The copy beside the environment is written last: it says for what the environment is complete.
if cmp -s "$requirements" "$folder/requirements.txt" \
  && "$folder/bin/python" -c "import $modules" 2>/dev/null; then
  exit 0
fi
if ! "${PYTHON:-python3}" -m venv --clear "$folder"; then
  echo "cairn: there is no Python to make $folder with" >&2
  exit 1
fi
# Not bin/pip, whose first line names a path that may have moved.
if ! "$folder/bin/python" -m pip --disable-pip-version-check install --quiet --retries 2 \
  --requirement "$requirements"; then
  echo "cairn: the packages of $requirements cannot be downloaded" >&2
  exit 1
fi
cp "$requirements" "$folder/requirements.txt"
