// Keys and names out of files, as what they are there: bytes.

/// A key, a member's name, a node's name: whatever a file looks something up by.
///
/// It is not a `String`, because Swift compares strings by canonical equivalence: "é" as one scalar and
/// "é" as two would be one key, and two legal entries of a file would become one. `Scripts/lint.sh`
/// allows no `String` as the key of a dictionary in the readers.
package struct ByteKey: Hashable, Comparable, Sendable {
  /// The bytes.
  package let bytes: [UInt8]

  /// The key with those bytes.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The key spelt `text`, in UTF-8.
  package init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  /// The key as text; what is no UTF-8 in it is replaced.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Hashes the bytes.
  package func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: bytes) }

  /// Order by bytes, as `memcmp` gives it.
  package static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Whether the bytes begin with those of `prefix`.
  package func hasPrefix(_ prefix: ByteKey) -> Bool { bytes.starts(with: prefix.bytes) }

  /// Whether the bytes end with those of `suffix`.
  package func hasSuffix(_ suffix: ByteKey) -> Bool {
    bytes.count >= suffix.bytes.count && bytes.suffix(suffix.bytes.count) == suffix.bytes[...]
  }

  /// The pieces between separators of one byte, empty ones included.
  package func split(at separator: Character) -> [ByteKey] {
    guard let byte = separator.asciiValue else { return [self] }
    return bytes.split(separator: byte, omittingEmptySubsequences: false).map { ByteKey(Array($0)) }
  }
}

extension Hasher {
  /// Feeds bytes and their number, eight at a time: an array feeds each byte by itself, which takes
  /// several times as long.
  package mutating func combine(bytesOf array: [UInt8]) {
    var word: UInt64 = 0
    var place = 0
    let whole = array.count & ~7
    while place < whole {
      word = 0
      for byte in array[place..<place + 8] { word = word << 8 | UInt64(byte) }
      combine(word)
      place += 8
    }
    word = 0
    for byte in array[whole...] { word = word << 8 | UInt64(byte) }
    combine(word)
    combine(array.count)
  }
}

extension ByteKey: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self.init(value) }
}

extension ByteKey: CustomStringConvertible {
  package var description: String { text }
}

extension String {
  /// Whether both texts are the same UTF-8 bytes (`==` asks for canonical equivalence).
  package func isSpelt(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether the text's UTF-8 bytes begin with those of `prefix`.
  package func spellingBegins(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Whether the text's UTF-8 bytes end with those of `suffix`.
  package func spellingEnds(with suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  /// What follows `prefix` if the text's bytes begin with it, else nil.
  package func dropping(prefix: String) -> String? {
    guard spellingBegins(with: prefix) else { return nil }
    return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  /// What is ahead of `suffix` if the text's bytes end with it, else nil.
  package func dropping(suffix: String) -> String? {
    guard spellingEnds(with: suffix) else { return nil }
    return String(decoding: utf8.dropLast(suffix.utf8.count), as: UTF8.self)
  }
}
