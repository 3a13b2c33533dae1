// Names of layers: what they may be, and how a layer that has none gets one.

import CairnSystem
import CairnTensors

/// The rules for names of layers.
enum LayerName {
  /// The longest name, in bytes; four of them and a variable's make a ``TensorName``.
  static let maximumByteCount = 255

  /// - Throws: `invalidName` for a name that cannot be part of a path.
  static func check(_ name: String) throws(CairnError) {
    _ = try TensorName(name)
    guard name.utf8.count <= maximumByteCount else {
      throw CairnError(
        .invalidName, "a layer's name is too long", at: .init(name: name),
        expected: "at most \(maximumByteCount) bytes", found: "\(name.utf8.count)")
    }
    guard !name.utf8.contains(UInt8(ascii: "/")) else {
      throw CairnError(
        .invalidName, "a layer's name holds a slash, which separates the parts of a path",
        at: .init(name: name), advice: "Rename the layer")
    }
  }

  /// The class's name in snake case, as Keras's `to_snake_case` (`utils/naming.py`).
  static func automatic(for className: String) -> String {
    let bytes = Array(className.utf8)
    var result: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      guard isUpper else {
        result.append(byte)
        continue
      }
      if index > 0 {
        let before = bytes[index - 1]
        let afterLower =
          index + 1 < bytes.count
          && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[index + 1])
        let beforeLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(before)
        if beforeLower || afterLower { result.append(UInt8(ascii: "_")) }
      }
      result.append(byte | 0x20)
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// The names of a model's layers, and the ones that come next.
///
/// Names depend only on the model. There is no counter for the whole process, as there is in Keras,
/// so the same program always builds the same names.
struct LayerNames: Sendable {
  private var taken: Set<[UInt8]> = []
  /// For each base, the number below which all are known to be taken.
  private var next: [String: Int] = [:]

  /// Takes a name, and returns whether it was free.
  mutating func insert(_ name: String) -> Bool { taken.insert(Array(name.utf8)).inserted }

  /// Frees a name.
  mutating func remove(_ name: String) {
    taken.remove(Array(name.utf8))
    next = [:]
  }

  /// The first of `base`, `base_1`, `base_2`, … that is free.
  ///
  /// - Complexity: O(1) amortised over layers that are added one after another.
  mutating func unique(_ base: String) -> String {
    var number = next[base] ?? 0
    while true {
      let name = number == 0 ? base : "\(base)_\(number)"
      if !taken.contains(Array(name.utf8)) {
        next[base] = number
        return name
      }
      number += 1
    }
  }
}
