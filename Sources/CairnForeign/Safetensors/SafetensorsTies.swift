// Ties in a format that has none: `safetensors.torch.save_model` writes of several names for one tensor
// the first, and into the metadata each other name with that one's.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The ties that a file's metadata tell.
enum SafetensorsTies {
  /// The key whose value says what wrote the file, never a tensor.
  private static let formatKey = "format"

  /// Whether one name can be the other's second: what is tied is a parameter of two layers, of the same kind
  /// in both, so that the names end alike (`embed.weight`, `head.weight`). The library marks such pairs by
  /// nothing: without this any text that happens to be a tensor's name would make another tensor.
  private static func canBeTied(_ name: TensorName, _ owner: TensorName) -> Bool {
    let (one, other) = (ByteKey(name.utf8).split(at: "."), ByteKey(owner.utf8).split(at: "."))
    return one.count > 1 && other.count > 1 && one.last == other.last
  }

  /// The pairs of the metadata that name a tensor which is not there as another name of one that is.
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

  /// Whether the metadata of `source` tell all its ties, so that a file needs nothing more for them:
  /// the second names would be read back, after all tensors and ascending.
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
