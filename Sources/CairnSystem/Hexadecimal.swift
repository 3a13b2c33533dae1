// Numbers and bytes in lower-case hexadecimal, as messages and digests show them.

/// `value` in lower-case hexadecimal, with leading zeros up to `digits`.
package func hex(_ value: some FixedWidthInteger, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits for each byte.
  package var hexDigits: String { map { hex($0, digits: 2) }.joined() }
}
