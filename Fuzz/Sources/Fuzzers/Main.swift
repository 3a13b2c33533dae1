// All fuzz targets in one executable, whose `main` is libFuzzer's. FUZZ_TARGET says which one it is: in the
// environment, because the processes that libFuzzer starts get that, and not always its arguments.

import CFuzzing
import Cairn
import Forge
import Glibc

/// What is done with an input, and how the next one is made of it.
struct FuzzTarget: Sendable {
  /// The next input, of at most so many bytes; nil for libFuzzer's own mutation.
  typealias Mutator =
    @Sendable (
      _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
    ) -> [UInt8]?

  let name: String
  let mutator: Mutator?
  let test: @Sendable ([UInt8]) throws(CairnError) -> Void

  init(
    _ name: String, changed: Mutator? = nil,
    _ test: @escaping @Sendable ([UInt8]) throws(CairnError) -> Void
  ) {
    self.name = name
    self.mutator = changed
    self.test = test
  }

  static let all: [FuzzTarget] = [
    open, index, chunk, inflate, encode, metadata, safetensors, model, predict, salvage, numpy,
    pytorch, pickle, gguf, onnx, tensorflow, shards, hdf5,
  ]

  /// The target that the environment names.
  fileprivate static let chosen: FuzzTarget = {
    let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) }
    guard let target = all.first(where: { $0.name == name }) else {
      let names = all.map(\.name).joined(separator: " ")
      print("fuzz: FUZZ_TARGET names one of: \(names)")
      // At once: the sanitizer has nothing to say about a run that was none.
      fflush(nil)
      _exit(2)
    }
    return target
  }()
}

/// libFuzzer: before the first input.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
  _ = FuzzTarget.chosen
  return 0
}

/// libFuzzer: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe run(start, count, FuzzTarget.chosen.test)
}

/// libFuzzer: the next input, from one before.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
  guard let mutator = FuzzTarget.chosen.mutator else {
    return unsafe cairn_mutate(data, size, capacity)
  }
  let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  var random = SeededNumbers(UInt64(seed))
  guard let changed = mutator(bytes, capacity, &random), !changed.isEmpty,
    changed.count <= capacity
  else { return unsafe cairn_mutate(data, size, capacity) }
  for (place, byte) in changed.enumerated() { unsafe data[place] = byte }
  return changed.count
}
