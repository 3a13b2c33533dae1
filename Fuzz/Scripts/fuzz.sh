#!/usr/bin/env bash
# Builds the fuzzers under the address sanitizer and runs them, each for SECONDS.
#   Fuzz/Scripts/fuzz.sh SECONDS [TARGET…]     open index chunk inflate encode
#                                              metadata safetensors model predict salvage
#                                              numpy pytorch pickle gguf onnx tensorflow shards hdf5
# Stops at the first finding, which is kept in Fuzz/.fuzzing/findings; what is learnt stays in
# Fuzz/.fuzzing/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(open index chunk inflate encode metadata safetensors model predict salvage
  numpy pytorch pickle gguf onnx tensorflow shards hdf5)

# Optimised, which keeps every check of Swift's. Both sanitizers in one flag: of two the compiler
# takes the last, and SwiftPM puts them in any order. -use-ld: gold warns of their symbols.
flags=(-c release --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address
  -Xswiftc -use-ld=lld)
# SwiftPM looks for files that have moved only in a package that has changed itself, and not below it.
touch Package.swift
${SWIFT:-swift} build "${flags[@]}"
binaries=$(${SWIFT:-swift} build "${flags[@]}" --show-bin-path)
Scripts/make_seeds.py .fuzzing/seeds

# The runtime's own crash reports take seconds each; libFuzzer writes the stack.
export SWIFT_BACKTRACE=enable=no
for target in "${targets[@]}"; do
  mkdir -p ".fuzzing/corpus/$target" .fuzzing/findings
  options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
    -artifact_prefix=".fuzzing/findings/$target-")
  # Inputs grow with time where libFuzzer's own mutators make them; it leaves that to be asked for.
  case $target in
    metadata | model | predict | pickle | gguf | onnx | shards) options+=(-len_control=100) ;;
  esac
  case $target in
    open | index | salvage | inflate) options+=(-max_len=65536) ;;
    chunk) options+=(-max_len=4096) ;;
    encode) options+=(-max_len=256 -len_control=0) ;;
    metadata) options+=(-max_len=4096 -dict=Dictionaries/json.dict) ;;
    safetensors) options+=(-max_len=4096 -dict=Dictionaries/safetensors.dict) ;;
    numpy | pytorch | gguf | onnx | tensorflow) options+=(-max_len=8192) ;;
    pickle) options+=(-max_len=8192 -dict=Dictionaries/pickle.dict) ;;
    shards) options+=(-max_len=4096 -dict=Dictionaries/json.dict) ;;
    hdf5) options+=(-max_len=32768 -dict=Dictionaries/hdf5.dict) ;;
    model | predict) options+=(-max_len=8192 -dict=Dictionaries/model.dict) ;;
    *)
      echo "fuzz: there is no target ‘$target’" >&2
      exit 2
      ;;
  esac
  echo "fuzz: $target for $seconds s"
  # Without the line for each input that is learnt, and the dictionary that is recommended.
  FUZZ_TARGET=$target "$binaries/Fuzzers" "${options[@]}" \
    ".fuzzing/corpus/$target" ".fuzzing/seeds/$target" 2>&1 |
    { grep -vE '^#.*(NEW|REDUCE|RELOAD|pulse) |^"|^######' || true; }
done
