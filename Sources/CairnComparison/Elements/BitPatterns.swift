// The bits of one element on both sides, for a reader.

import CairnSystem
import CairnTensors

/// The bits of an element on both sides and where they differ, in lower-case hexadecimal, most
/// significant digit first.
///
/// A complex number's parts stand one after the other with a comma. Of a quantised block, 16 bytes
/// from the first different one on stand in the order of memory.
public struct BitPatterns: Hashable, Sendable {
  /// The bits on the left.
  public let left: String
  /// The bits on the right.
  public let right: String
  /// The bits that differ.
  package let xor: String

  init(_ parts: [(UInt64, UInt64)], bitWidth: Int) {
    let digits = (bitWidth + 3) / 4
    left = parts.map { hex($0.0, digits: digits) }.joined(separator: ",")
    right = parts.map { hex($0.1, digits: digits) }.joined(separator: ",")
    xor = parts.map { hex($0.0 ^ $0.1, digits: digits) }.joined(separator: ",")
  }

  init(firstDifferenceOf left: Span<UInt8>, _ right: Span<UInt8>) {
    var start = 0
    while start < left.count - 1, left[start] == right[start] { start += 1 }
    let range = start..<min(start + 16, left.count)
    self.left = range.map { left[$0] }.hexDigits
    self.right = range.map { right[$0] }.hexDigits
    self.xor = range.map { left[$0] ^ right[$0] }.hexDigits
  }
}
