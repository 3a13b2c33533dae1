// What a summary's table shows of a graph: whether it is a chain, and what is connected to what.
// Keras `utils/summary_utils.py`.

import CairnTensors

extension LayerGraph {
  /// Whether the calls follow one another, each layer called once: then the table needs no
  /// connections.
  var isChain: Bool {
    guard inputs.count == 1 else { return false }
    var callers: Set<ObjectIdentifier> = []
    var layers: Set<ObjectIdentifier> = []
    return nodes.allSatisfy { node in
      let taken = node.arguments.tensors
      guard taken.count <= 1, layers.insert(ObjectIdentifier(node.layer)).inserted else {
        return false
      }
      return taken.first.map { callers.insert(ObjectIdentifier($0.node)).inserted } ?? true
    }
  }

  /// For each layer what it is connected to: `left[0][0], right[0][0]`, by layer, call and result.
  func connections() -> [ObjectIdentifier: String] {
    let drawn = nodes.sorted { $0.serial < $1.serial }
    var calls: [ObjectIdentifier: Int] = [:]
    var indices: [ObjectIdentifier: Int] = [:]
    for node in drawn {
      indices[ObjectIdentifier(node)] = calls[ObjectIdentifier(node.layer), default: 0]
      calls[ObjectIdentifier(node.layer), default: 0] += 1
    }
    var texts: [ObjectIdentifier: [String]] = [:]
    for node in drawn {
      texts[ObjectIdentifier(node.layer), default: []] += node.arguments.tensors.map {
        "\($0.node.layer.name)[\(indices[ObjectIdentifier($0.node)] ?? 0)][\($0.index)]"
      }
    }
    return texts.mapValues { $0.joined(separator: ", ") }
  }

  /// The results of the last call of each layer.
  func lastOutputs() -> [ObjectIdentifier: [TensorSpec]] {
    var outputs: [ObjectIdentifier: [TensorSpec]] = [:]
    for input in inputs { outputs[ObjectIdentifier(input.node.layer)] = input.node.outputs }
    for node in nodes.sorted(by: { $0.serial < $1.serial }) {
      outputs[ObjectIdentifier(node.layer)] = node.outputs
    }
    return outputs
  }
}

extension [TensorSpec] {
  /// The shapes as a table shows them.
  var summary: String? {
    let shapes = map(\.shape.summary)
    return count > 1 ? "[\(shapes.joined(separator: ", "))]" : shapes.first
  }
}

extension BatchShape {
  /// The shape as Keras's table shows it: `(None, 4)`, and `(None)` without a comma.
  var summary: String {
    "(" + dimensions.map { $0.map(String.init) ?? "None" }.joined(separator: ", ") + ")"
  }
}
