#!/usr/bin/env bash
# Formatting, and what a machine can see of the project's own rules.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive Package.swift Sources Tests \
  Fuzz/Package.swift Fuzz/Sources Benchmarks/Package.swift Benchmarks/Sources Examples

# Nothing that traps on input, and no leftovers.
if grep -rnE 'try!|as!|fatalError\(|TODO|FIXME' Sources Benchmarks/Sources --include='*.swift'; then
  echo "lint: the lines above trap or are unfinished" >&2
  exit 1
fi
# `unsafe` is confined to these files, each of which argues for it; one that needs it no longer goes.
allowed='Benchmarks/Sources/cairn-bench/PlainCopies.swift
Sources/CairnCodec/Decoding/InflateMachine.swift
Sources/CairnCodec/Decoding/Kernels/JoinKernel.swift
Sources/CairnCodec/Decoding/Kernels/JoinTile.swift
Sources/CairnCodec/Decoding/Kernels/LiteralDecoding.swift
Sources/CairnCodec/Encoding/DeflateMachine.swift
Sources/CairnCodec/Encoding/Kernels/BitPlace.swift
Sources/CairnCodec/Encoding/Kernels/HistogramKernels.swift
Sources/CairnCodec/Encoding/Kernels/LiteralKernels.swift
Sources/CairnCodec/Encoding/Kernels/MatchFinder.swift
Sources/CairnCodec/Encoding/Kernels/PlaneKernels.swift
Sources/CairnCodec/Encoding/Kernels/RepeatKernel.swift
Sources/CairnCodec/Encoding/Kernels/SplitKernel.swift
Sources/CairnCodec/Encoding/Kernels/TokenKernels.swift
Sources/CairnCodec/Shared/Checksum.swift
Sources/CairnCodec/Shared/Kernels/AdlerKernel.swift
Sources/CairnCodec/Shared/Kernels/ByteCopies.swift
Sources/CairnCodec/Shared/Kernels/VectorKernels.swift
Sources/CairnCodec/Shared/SHA256.swift
Sources/CairnCodec/Shared/ZlibCall.swift
Sources/CairnCommand/Main.swift
Sources/CairnModels/Evaluation/KernelScalar.swift
Sources/CairnModels/Evaluation/PackedMatrix.swift
Sources/CairnModels/Evaluation/Tensor+Mapped.swift
Sources/CairnModels/Evaluation/Windows+Kernels.swift
Sources/CairnSystem/ByteCopy.swift
Sources/CairnSystem/FileSystem.swift
Sources/CairnSystem/Lock.swift
Sources/CairnSystem/OwnThreads.swift
Sources/CairnSystem/Parallel.swift
Sources/CairnSystem/Storage.swift
Sources/CairnTensors/Tensor/Tensor+Scalars.swift
Sources/CairnTensors/Tensor/TypedBytes.swift
Sources/CairnTerminal/Interruption.swift
Sources/CairnTerminal/Terminal.swift'
found=$(grep -rlE '^[^/]*\bunsafe\b' Benchmarks/Sources Sources --include='*.swift' | LC_ALL=C sort)
if ! diff <(echo "$allowed") <(echo "$found") >&2; then
  echo "lint: the files with unsafe code are others than those that Scripts/lint.sh lists" >&2
  exit 1
fi
# What the compiler takes on trust carries its argument in the lines above it.
while IFS=: read -r file line _; do
  if ! sed -n "$((line > 12 ? line - 12 : 1)),$((line - 1))p" "$file" |
    grep -qE '^ *///?.*@unchecked'; then
    echo "lint: $file:$line: '@unchecked' without a comment that says why it is right" >&2
    exit 1
  fi
done < <(grep -rnE '^[^/]*@unchecked' Sources --include='*.swift')
# Whoever builds Cairn needs zlib and no other library of the system.
if [ "$(grep -c 'systemLibrary(' Package.swift)" -ne 1 ] || grep -rn 'linkedLibrary' Package.swift; then
  echo "lint: Package.swift asks for a system library other than zlib" >&2
  exit 1
fi
# Names, keys and paths out of files are bytes (ByteKey, InnerPath, TensorName). As `String` they would be
# compared by canonical equivalence and cut by grapheme clusters: two names became one, and a combining
# mark hid a slash. A set of our own words says so in its line: `// our own words`.
if grep -rnE '\[String ?: |Set<String>|\.split\(separator: ?"|\.hasPrefix\(|\.hasSuffix\(' \
  Sources/CairnCheckpoints Sources/CairnContainer Sources/CairnForeign Sources/CairnEditing \
  Sources/CairnModelFiles --include='*.swift' |
  grep -vE 'our own words|ByteKey|"[^"]*".*: \[String\]'; then
  echo "lint: the lines above take names out of files for text; compare and cut bytes" >&2
  exit 1
fi
# A new way to keep bytes must be found by the compiler wherever it matters: what hangs on a storage class
# or a filter is a switch without `default`, or a property that is one.
if grep -rnE '(storageClass|filter) *[!=]= *\.' Sources/CairnContainer Sources/CairnCodec --include='*.swift'; then
  echo "lint: the lines above compare with one storage class or filter; switch over all of them" >&2
  exit 1
fi
# Storeys import downwards, folders do not use each other, and no long cycle of files.
python3 Scripts/house.py --check
# The page of error codes is made from the code.
python3 Scripts/error-codes.py --check
# Python: ruff and mypy.
Scripts/python-lint.sh
