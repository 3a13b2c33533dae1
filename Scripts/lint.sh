#!/usr/bin/env bash
# Formatting, and what a machine can see of the project's own rules.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive Package.swift Sources Tests

# Nothing that traps on input, and no leftovers.
if grep -rnE 'try!|as!|fatalError\(|TODO|FIXME' Sources --include='*.swift'; then
  echo "lint: the lines above trap or are unfinished" >&2
  exit 1
fi
# `unsafe` is confined to the files that argue for it.
allowed='Sources/(CairnSystem/(Storage|ByteCopy|FileSystem|Parallel|Platform)|CairnTensors/Tensor/(Tensor\+Scalars|TypedBytes)|CairnModels/Evaluation/MatrixProduct|CairnCodec/(Checksum|Deflate|PlaneKernels)|CairnFormat/Records/ContentDigest|CairnCommand/Terminal/(Terminal|Interruption))\.swift'
if grep -rlE '\bunsafe ' Sources --include='*.swift' | grep -vE "^$allowed$"; then
  echo "lint: the files above use unsafe code and are not on the list in Scripts/lint.sh" >&2
  exit 1
fi
