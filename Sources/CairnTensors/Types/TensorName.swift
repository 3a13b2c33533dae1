// Names of tensors: a type of their own, compared by bytes. FORMAT.md, "Names".

public import CairnSystem

/// The name of a tensor, a metadata key or a blob: 1 to 1,024 bytes of UTF-8 without control
/// characters, compared, hashed and sorted by its bytes.
///
/// It is not a `String`, because Swift compares strings by canonical equivalence: "é" as one scalar
/// and "é" as two are equal there, and two legal tensors would become one.
public struct TensorName: Sendable {
  /// The longest name, in bytes.
  package static let maximumByteCount = 1_024

  /// The bytes of the name.
  public let utf8: [UInt8]

  /// The name with those bytes.
  ///
  /// - Throws: `invalidName` for no bytes, too many, bytes that are not UTF-8, or a control
  ///   character (U+0000–U+001F, U+007F–U+009F).
  public init(utf8: [UInt8]) throws(CairnError) {
    guard !utf8.isEmpty else {
      throw CairnError(.invalidName, "a name is empty", expected: "1 to 1,024 bytes")
    }
    guard utf8.count <= Self.maximumByteCount else {
      throw CairnError(
        .invalidName, "a name is too long", expected: "1 to 1,024 bytes", found: "\(utf8.count)")
    }
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw CairnError(.invalidName, "a name is not valid UTF-8")
    }
    var before: UInt8 = 0
    for byte in utf8 {
      // U+0080 to U+009F are C2 80 to C2 9F, and no other character has C2 ahead of such a byte.
      if byte < 0x20 || byte == 0x7F || before == 0xC2 && byte < 0xA0 {
        throw CairnError(
          .invalidName, "a name holds the control character U+\(hex(UInt32(byte), digits: 4))",
          at: .init(name: text.debugDescription), advice: "Rename the tensor")
      }
      before = byte
    }
    self.utf8 = utf8
  }

  /// The name spelt `string`.
  ///
  /// - Throws: `invalidName`, as ``init(utf8:)``.
  public init(_ string: String) throws(CairnError) {
    try self.init(utf8: Array(string.utf8))
  }

  /// The name as text.
  public var string: String { String(decoding: utf8, as: UTF8.self) }
}

extension TensorName: Hashable, Comparable {
  /// Whether the names have the same bytes.
  public static func == (left: Self, right: Self) -> Bool { left.utf8 == right.utf8 }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: utf8) }

  /// The first eight bytes as a number, which orders names as far as it goes. No name contains the
  /// zeros that fill up a shorter one.
  var start: UInt64 {
    let count = min(utf8.count, 8)
    var start: UInt64 = 0
    for index in 0..<count { start = start << 8 | UInt64(utf8[index]) }
    return count == 8 ? start : start << UInt64(8 * (8 - count))
  }

  /// Order by bytes, as `memcmp` gives it.
  public static func < (left: Self, right: Self) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

extension TensorName: ExpressibleByStringLiteral {
  /// The name spelt by the literal.
  ///
  /// - Precondition: the literal is a valid name. For a name that is computed or read, use
  ///   ``init(_:)``, which throws.
  public init(stringLiteral value: String) {
    do throws(CairnError) {
      try self.init(value)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension TensorName: CustomStringConvertible {
  /// The name as text.
  public var description: String { string }
}
