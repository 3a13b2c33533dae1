// Strings as what they are in a file: UTF-8 bytes.

extension String {
  /// Whether both strings are the same UTF-8 bytes (`==` asks for canonical equivalence).
  func hasSameBytes(as other: String) -> Bool {
    // Equal bytes are also canonically equivalent, and `==` is the quicker way to tell most keys
    // apart.
    utf8.count == other.utf8.count && self == other && utf8.elementsEqual(other.utf8)
  }

  /// Feeds the UTF-8 bytes and their number to the hasher, eight at a time.
  func hashBytes(into hasher: inout Hasher) {
    var word: UInt64 = 0
    var count: UInt64 = 0
    for byte in utf8 {
      word = word << 8 | UInt64(byte)
      count += 1
      if count & 7 == 0 { hasher.combine(word) }
    }
    if count & 7 != 0 { hasher.combine(word) }
    hasher.combine(count)
  }
}
