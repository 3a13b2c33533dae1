// What an element type demands of its bytes. FORMAT.md, "Dtypes".

package import CairnSystem

/// The rules that bytes must keep to be elements of a type.
package enum ElementRules {
  /// Checks a whole tensor's bytes.
  ///
  /// - Throws: `invalidElement` with the index of the first element that breaks a rule.
  /// - Complexity: O(1) for types that allow any bits; O(bytes) for bool; O(elements) for strings.
  package static func check(
    _ bytes: Span<UInt8>, dtype: DType, elementCount: Int
  ) throws(CairnError) {
    switch dtype.row.rule {
    case .none: break
    case .zeroOrOne: try checkBools(bytes, firstElement: 0)
    case .zeroPadding:
      try checkUnusedBits(bytes, bitWidth: dtype.bitWidth ?? 8, elementCount: elementCount)
    case .ascendingEnds: try checkStrings(bytes, elementCount: elementCount)
    }
  }

  /// Checks that every byte is 0 or 1. `firstElement` is the index of the first byte's element.
  package static func checkBools(
    _ bytes: Span<UInt8>, firstElement: Int
  ) throws(CairnError) {
    var seen: UInt8 = 0
    for index in bytes.indices { seen |= bytes[index] }
    guard seen > 1 else { return }
    for index in bytes.indices where bytes[index] > 1 {
      throw CairnError(
        .invalidElement, "a bool is neither 0 nor 1", at: .init(index: firstElement + index),
        found: "\(bytes[index])")
    }
  }

  private static func checkUnusedBits(
    _ bytes: Span<UInt8>, bitWidth: Int, elementCount: Int
  ) throws(CairnError) {
    guard bytes.count > 0 else { return }
    let used = elementCount &* bitWidth & 7
    if used != 0, bytes[bytes.count - 1] >> UInt8(used) != 0 {
      throw CairnError(
        .invalidElement, "the unused bits of the last byte are not zero",
        at: .init(index: elementCount), found: "0x" + hex(bytes[bytes.count - 1], digits: 2))
    }
  }

  private static func checkStrings(
    _ bytes: Span<UInt8>, elementCount: Int
  ) throws(CairnError) {
    let table = elementCount.multiplied(by: 8)
    guard let offsets = table, bytes.count >= offsets else {
      throw CairnError(
        .invalidElement, "the bytes end within the strings' end offsets",
        expected: table.map { "at least \($0) bytes" }, found: "\(bytes.count)")
    }
    var last: UInt64 = 0
    for index in 0..<elementCount {
      let end = bytes.stringEnd(index)
      guard end >= last else {
        throw CairnError(
          .invalidElement, "a string ends before the one ahead of it", at: .init(index: index),
          expected: "at least \(last)", found: "\(end)")
      }
      last = end
    }
    guard last == UInt64(bytes.count - offsets) else {
      throw CairnError(
        .invalidElement, "the strings' bytes are not those that the last end offset names",
        expected: "\(last) bytes", found: "\(bytes.count - offsets)")
    }
  }
}

extension Span<UInt8> {
  /// The end offset of string `index`, where the bytes begin with the end offsets of strings.
  package func stringEnd(_ index: Int) -> UInt64 {
    var end: UInt64 = 0
    for byte in 0..<8 { end |= UInt64(self[8 * index + byte]) << UInt64(8 * byte) }
    return end
  }
}
