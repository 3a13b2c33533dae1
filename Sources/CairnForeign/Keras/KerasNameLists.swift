// The order of weights, from the lists that older versions of Keras write beside them.
// `legacy_h5_format.py`.

import CairnCheckpoints
package import CairnTensors

/// `layer_names` of the group of the layers, and `weight_names` of each layer. Lists of more than
/// 64 KB are split into parts: `layer_names0`, ….
package struct KerasNameLists {
  /// Each layer, and the paths of its weights.
  package private(set) var layers: [(name: String, paths: [String])] = []
  /// The paths of the optimizer's variables.
  package private(set) var optimizer: [String] = []

  private let metadata: Metadata

  /// The lists among the attributes of a file.
  package init(_ metadata: Metadata) {
    self.metadata = metadata
    for root in ["", "model_weights"] {
      let folder = root.isEmpty ? "" : root + "/"
      // In Keras 3, the model's own variables follow those of its layers.
      for layer in names("layer_names", of: root) + ["top_level_model_weights"] {
        let paths = names("weight_names", of: folder + layer).map { folder + layer + "/" + $0 }
        layers.append((layer, paths))
      }
    }
    optimizer = names("weight_names", of: "optimizer_weights").map { "optimizer_weights/" + $0 }
  }

  /// The paths of all datasets that are listed, in their order.
  package var paths: [String] { layers.flatMap(\.paths) + optimizer }

  /// A list of a group, its parts put together.
  private func names(_ key: String, of group: String) -> [String] {
    func list(_ key: String) -> [String]? {
      guard let name = try? TensorName(group.isEmpty ? key : "\(group)@\(key)") else { return nil }
      return switch metadata[name] {
      case .strings(let names): names
      // An empty list has a number type.
      case .floats: []
      default: nil
      }
    }
    if let whole = list(key) { return whole }
    var parts: [String] = []
    var number = 0
    while let part = list("\(key)\(number)") {
      parts += part
      number += 1
    }
    return parts
  }
}
