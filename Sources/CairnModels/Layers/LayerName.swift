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

  /// The first of `base`, `base_1`, `base_2`, … that is not in `taken`.
  ///
  /// Names depend on nothing but the model: there is no counter of the process, as there is in
  /// Keras, so the same program builds the same names whatever ran before.
  static func unique(_ base: String, among taken: Set<[UInt8]>) -> String {
    if !taken.contains(Array(base.utf8)) { return base }
    var number = 1
    while taken.contains(Array("\(base)_\(number)".utf8)) { number += 1 }
    return "\(base)_\(number)"
  }
}
