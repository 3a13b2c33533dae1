// What opening a file may cost: everything that is made from its index draws on one budget.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

extension Budget {
  /// The budget for the index of a file of `fileByteCount` bytes: 32 MiB, and 16 bytes for each
  /// byte of the file. An honest index takes a small part of it: a name, a shape and some hundred
  /// bytes for each tensor.
  static func index(ofFile fileByteCount: Int) -> Budget {
    Budget(
      bytes: fileByteCount.allowance(times: 16, plus: 32 << 20),
      for: "the file's index",
      advice: "The file names far more than it has bytes for: it is damaged or hostile")
  }

  /// Takes what a table keeps for a tensor besides its name: place, shape, elements, and the entry
  /// that finds it.
  func takeTensor(nameByteCount: Int) throws(CairnError) {
    try take(bytes: nameByteCount.addingSaturated(320))
  }
}

/// Collects what a file holds that is not read. The number of items is bounded, since each takes
/// memory.
struct OpaqueItems {
  private(set) var items: [OpaqueItem] = []

  /// The most items that are listed.
  private static let maximumCount = 16_384

  /// Adds an item.
  ///
  /// - Throws: `limitExceeded`.
  mutating func add(_ item: OpaqueItem) throws(CairnError) {
    try add(item.path, item.type, item.reason)
  }

  /// Adds an item.
  ///
  /// - Throws: `limitExceeded`.
  mutating func add(
    _ path: [UInt8], _ type: String, _ reason: String
  ) throws(CairnError) {
    guard items.count < Self.maximumCount else {
      throw CairnError(
        .limitExceeded, "the file holds more that is not read than is allowed",
        expected: "at most \(Self.maximumCount) items",
        advice: "The file is damaged, or of a version that is not known")
    }
    items.append(OpaqueItem(path: path, type: type, reason: reason))
  }
}
