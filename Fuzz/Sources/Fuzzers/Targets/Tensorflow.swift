// A tensor bundle: opened, read, checked, converted. An input is the length of the index (four bytes, the
// least significant first), the index, the data.

import Cairn
import Forge

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

/// The next input, from one before; mostly with the checksums of the index repaired.
private func changed(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  var (index, data) = parts(bytes)
  if random.once(in: 4) {
    data = mutated(data, growth: max(0, capacity - bytes.count))
  } else {
    index = mutated(index, growth: random.once(in: 2) ? 0 : max(0, capacity - bytes.count))
  }
  if !random.once(in: 10) { index = ForgedTable.repairingChecksums(index) }
  return (0..<4).map { UInt8(truncatingIfNeeded: index.count >> (8 * $0)) } + index + data
}

extension FuzzTarget {
  static let tensorflow = FuzzTarget("tensorflow", changed: changed, check)
}
