// A tensor bundle: opened, read, checked, converted. An input is the length of the index (four bytes, the
// least significant first), the index, the data.

import Cairn
import ContainerForge
import FuzzHarness

private func parts(_ bytes: [UInt8]) -> (index: [UInt8], data: [UInt8]) {
  let length = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
  let end = 4 + min(length, max(0, bytes.count - 4))
  guard bytes.count >= 4 else { return ([], []) }
  return (Array(bytes[4..<end]), Array(bytes[end...]))
}

private func check(_ bytes: [UInt8]) throws(CairnError) {
  let (index, data) = parts(bytes)
  _ = companion("x.data-00000-of-00001", data)
  try checkCheckpoint(at: companion("x.index", index), .tensorflow, bytes)
}

/// libFuzzer: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe run(start, count, check)
}

/// libFuzzer: the next input, from one before; mostly with the checksums of the index repaired.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
  var random = SeededRandom(seed)
  return unsafe mutate(data, size, capacity) { bytes in
    var (index, data) = parts(bytes)
    if random.once(in: 4) {
      data = mutated(data, growth: max(0, capacity - size))
    } else {
      index = mutated(index, growth: random.once(in: 2) ? 0 : max(0, capacity - size))
    }
    if !random.once(in: 10) { index = ForgedTable.repairingChecksums(index) }
    return (0..<4).map { UInt8(truncatingIfNeeded: index.count >> (8 * $0)) } + index + data
  }
}
