// Paths that stand in files: of a companion beside the file, of a member of an archive.

/// A path by which a file names something in its own folder or below it, never above.
///
/// It is split at the byte of a slash. As a `String` it would be split by grapheme clusters, where a
/// combining mark behind a slash hides it: `..` and a slash with a mark look like one name, and lead
/// out of the folder all the same.
package struct InnerPath: Hashable, Comparable, Sendable {
  /// The components, none of them empty, `.` or `..`.
  package let components: [ByteKey]

  /// The path spelt by `bytes`. Components `.` are left out, as every system does.
  ///
  /// - Throws: `invalidPath` for a path that is empty or absolute, names a drive, holds an empty
  ///   component, `..`, a backslash (which is a separator elsewhere) or a NUL.
  package init(_ bytes: [UInt8]) throws(CairnError) {
    var components: [ByteKey] = []
    for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard !part.isEmpty, part != [0x2E, 0x2E], !part.contains(0),
        !part.contains(UInt8(ascii: "\\"))
      else { throw Self.refusal(bytes) }
      if part != [0x2E] { components.append(ByteKey(Array(part))) }
    }
    guard let first = components.first, !Self.namesDrive(first.bytes) else {
      throw Self.refusal(bytes)
    }
    self.components = components
  }

  /// The path spelt `text`.
  ///
  /// - Throws: `invalidPath`, as ``init(_:)-([UInt8])``.
  package init(_ text: String) throws(CairnError) { try self.init(Array(text.utf8)) }

  /// The bytes of the path, its components joined by slashes.
  package var bytes: [UInt8] { Array(components.map(\.bytes).joined(separator: [0x2F])) }

  /// The path as text.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Order by bytes.
  package static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Whether the first component begins with a drive's letter and a colon.
  private static func namesDrive(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 2, bytes[1] == UInt8(ascii: ":") else { return false }
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[0] | 0x20)
  }

  private static func refusal(_ bytes: [UInt8]) -> CairnError {
    CairnError(
      .invalidPath, "a path in the file leads out of its folder, or is none",
      expected: "a relative path without ‘..’",
      found: String(decoding: bytes.prefix(60), as: UTF8.self).debugDescription,
      advice: "The file is hostile or damaged")
  }
}
