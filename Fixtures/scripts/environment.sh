#!/bin/sh
# Creates .venv-fixtures at the repository's root, with the pinned packages of requirements.txt; given a
# name, such as formats, .venv-formats with those of requirements-formats.txt.
# PYTHON names the interpreter to start from (3.11 made the committed fixtures).
set -eu

scripts=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$scripts/../.." && pwd)
exec "$root/Scripts/python-environment.sh" "$root/.venv-${1:-fixtures}" \
  "$scripts/requirements${1:+-$1}.txt"
