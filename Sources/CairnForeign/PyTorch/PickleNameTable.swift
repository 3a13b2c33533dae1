// Paths as names: unique, of legal characters, no longer than a name may be. FORMAT.md, "Names".

import CairnSystem
import CairnTensors

/// The names that are already given.
struct PickleNameTable {
  /// How many paths have had each name.
  private var taken: [TensorName: Int] = [:]

  /// The name for a path: the path itself if it is legal and not taken. Otherwise illegal
  /// characters are escaped, and `~2`, `~3` … is added if the name is taken.
  ///
  /// - Returns: The name, and whether it is the path.
  mutating func name(
    _ path: [UInt8], or root: String, _ budget: Budget
  ) throws(CairnError) -> (TensorName, isOwn: Bool) {
    let legal = try Self.legal(path, or: root)
    let isOwn = path.isEmpty || legal.utf8 == path
    try budget.take(bytes: 128 + 2 * legal.utf8.count)
    guard let count = taken[legal] else {
      taken[legal] = 1
      return (legal, isOwn)
    }
    // For each base a number is tried only once.
    var number = count
    while true {
      number += 1
      try budget.take(steps: 1)
      let tail = Array("~\(number)".utf8)
      let name = try TensorName(
        utf8: Self.cut(legal.utf8, to: TensorName.maximumByteCount - tail.count) + tail)
      guard taken[name] == nil else { continue }
      taken[legal] = number
      taken[name] = 1
      return (name, false)
    }
  }

  /// The path with characters escaped that no name may have.
  static func legal(_ path: [UInt8], or root: String) throws(CairnError) -> TensorName {
    let path = path.isEmpty ? Array(root.utf8) : path
    if let name = try? TensorName(utf8: path) { return name }
    var text = ""
    for scalar in String(decoding: path, as: UTF8.self).unicodeScalars {
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
        text += "\\u" + hex(UInt16(truncatingIfNeeded: scalar.value), digits: 4)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return try TensorName(utf8: shortened(Array(text.utf8)))
  }

  /// The name for a path that is longer than a name may be: its beginning, and a digest of the
  /// whole.
  static func shortened(_ path: [UInt8]) -> [UInt8] {
    guard path.count > TensorName.maximumByteCount else { return path }
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in path { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return cut(path, to: TensorName.maximumByteCount - 100) + Array("~".utf8)
      + Array(hex(digest, digits: 16).utf8)
  }

  /// At most `count` bytes, not cut within a character.
  private static func cut(_ bytes: [UInt8], to count: Int) -> [UInt8] {
    guard bytes.count > count else { return bytes }
    var end = count
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return Array(bytes[..<end])
  }
}

/// Sentences about what was read: the first ones are kept, the others are only counted.
struct RemarkList {
  private var kept: [String] = []
  private var count = 0
  private static let maximum = 100

  mutating func add(_ sentence: @autoclosure () -> String) {
    if count < Self.maximum { kept.append(sentence()) }
    count += 1
  }

  /// The sentences, and one about those that were not kept.
  func sentences(_ others: String) -> [String] {
    count > Self.maximum ? kept + ["and \(count - Self.maximum) more \(others)"] : kept
  }
}

extension String {
  /// The beginning of a text from an untrusted file, escaped, at most `limit` characters of it.
  func excerpt(_ limit: Int) -> String {
    let scalars = unicodeScalars.prefix(limit)
    let text = String(String.UnicodeScalarView(scalars)).debugDescription.dropFirst().dropLast()
    return text + (scalars.endIndex == unicodeScalars.endIndex ? "" : "…")
  }
}
