#!/bin/sh
# Creates .venv-fixtures at the repository's root, with the pinned packages of requirements.txt; given a
# name, such as formats, .venv-formats with those of requirements-formats.txt.
# Does nothing if it is there already and was made from the same requirements.
# PYTHON names the interpreter to start from (3.11 made the committed fixtures).
set -eu

scripts=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$scripts/../.." && pwd)
venv="$root/.venv-${1:-fixtures}"
requirements="$scripts/requirements${1:+-$1}.txt"
stamp="$venv/requirements.installed"

if [ -f "$stamp" ] && cmp -s "$requirements" "$stamp"; then
  exit 0
fi

rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
