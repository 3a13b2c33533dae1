// Ties in a format that has none. If a tensor has several names, `safetensors.torch.save_model`
// writes it under the first, and adds to the metadata each other name with the first name as its
// value.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The ties that the metadata of a file tell.
enum SafetensorsTies {
  /// The key whose value says which program wrote the file. It never names a tensor.
  private static let formatKey = "format"

  /// Whether one name can be a second name of the other. Tied tensors are the same parameter of two
  /// layers, so their names end alike (`embed.weight`, `head.weight`). The library does not mark
  /// such pairs: without this rule any text that happens to be a tensor's name would make another
  /// tensor.
  private static func canBeTied(_ name: TensorName, _ owner: TensorName) -> Bool {
    let (one, other) = (ByteKey(name.utf8).split(at: "."), ByteKey(owner.utf8).split(at: "."))
    return one.count > 1 && other.count > 1 && one.last == other.last
  }

  /// The ties among the pairs of the metadata: the key names no tensor, the value names one, and
  /// the two names can be tied.
  ///
  /// - Parameter index: The index of the tensor of a name, if there is one.
  static func aliases(
    in metadata: Metadata, index: (TensorName) -> Int?
  ) -> [(name: TensorName, owner: Int)] {
    metadata.compactMap { key, value in
      guard case .string(let text) = value, key.string != formatKey, index(key) == nil,
        let name = try? TensorName(text), let owner = index(name), canBeTied(key, name)
      else { return nil }
      return (key, owner)
    }
  }

  /// Whether the metadata of `source` tell all its ties, so that a file needs nothing more for
  /// them. A reader then finds the second names after all tensors, in ascending order.
  static func areHeld(of source: any TensorSource) throws(CairnError) -> Bool {
    var last: TensorName?
    for index in try source.indicesInWeightOrder() {
      let entry = try source.entry(at: index)
      guard let owner = entry.aliasOf else {
        if last != nil { return false }
        continue
      }
      guard entry.name.string != formatKey, canBeTied(entry.name, owner),
        source.metadata[entry.name] == .string(owner.string), last.map({ $0 < entry.name }) ?? true
      else { return false }
      last = entry.name
    }
    return last != nil
  }
}
