// Tensors of a graph that is being drawn: what Keras calls a `KerasTensor`.

public import CairnJSON
public import CairnSystem
public import CairnTensors
import Synchronization

/// One call of a layer in a graph, Keras's `Node`: the layer, its arguments and its results.
package final class GraphNode: Sendable {
  /// The layer.
  package let layer: any Layer
  /// What it is called with.
  package let arguments: CallArguments<SymbolicTensor>
  /// Shapes and types of what comes out.
  package let outputs: [TensorSpec]
  /// Nodes that are made later have larger numbers.
  let serial: Int
  /// The number of calls on the longest way here.
  let depth: Int
  /// Nodes hold the nodes whose results they take, and releasing a chain of them takes stack.
  private static let maximumDepth = 4_096

  private static let count = Atomic<Int>(0)

  init(
    _ layer: any Layer, _ arguments: CallArguments<SymbolicTensor>, outputs: [TensorSpec]
  ) {
    self.layer = layer
    self.arguments = arguments
    self.outputs = outputs
    serial = Self.count.add(1, ordering: .relaxed).oldValue
    depth = 1 + (arguments.tensors.map(\.node.depth).max() ?? 0)
  }

  /// A call of `layer`; the shapes and types of its results are worked out here.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such arguments.
  convenience init(
    calling layer: any Layer, _ arguments: CallArguments<SymbolicTensor>
  ) throws(CairnError) {
    let specs = try arguments.mapTensors { $0.spec }
    guard arguments.tensors.allSatisfy({ $0.node.depth < Self.maximumDepth }) else {
      throw CairnError(
        .overBudget, "a graph has too many layers one behind the other",
        at: .init(name: layer.name), expected: "at most \(Self.maximumDepth)")
    }
    let outputs = try layer.outputSpecs(for: specs)
    try BuildBudget.take(results: outputs)
    self.init(layer, arguments, outputs: outputs)
  }

  /// The node's results as tensors of the graph.
  var tensors: [SymbolicTensor] {
    outputs.indices.map { SymbolicTensor(node: self, index: $0) }
  }
}

/// A tensor without values: the result of a layer in a graph.
///
/// ``Input(shape:batchSize:dtype:name:)`` makes the first; calling a layer on one gives the next.
public struct SymbolicTensor: Sendable, Hashable {
  /// The call that it comes from.
  package let node: GraphNode
  /// Which of the call's results it is.
  package let index: Int

  /// The shape and type.
  package var spec: TensorSpec { node.outputs[index] }
  /// The shape.
  public var shape: BatchShape { spec.shape }
  /// The element type.
  public var dtype: DType { spec.dtype }

  /// Whether both are one result of one call.
  public static func == (left: SymbolicTensor, right: SymbolicTensor) -> Bool {
    left.node === right.node && left.index == right.index
  }

  /// Hashes which call and which result.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(node))
    hasher.combine(index)
  }
}

/// Where a graph begins; Keras's `keras.Input`.
///
/// - Parameters:
///   - shape: An example's shape; nil for a length that may vary.
///   - batchSize: The number of examples, if it is fixed.
/// - Throws: `invalidShape`, `invalidName`.
public func Input(
  shape: [Int?], batchSize: Int? = nil, dtype: DType = .float32, name: String? = nil
) throws(CairnError) -> SymbolicTensor {
  let layer = try InputLayer(shape: shape, batchSize: batchSize, dtype: dtype, name: name)
  return layer.symbolicOutput
}

extension InputLayer {
  /// The layer's output in a graph.
  var symbolicOutput: SymbolicTensor {
    let node = GraphNode(
      self, CallArguments([]), outputs: [TensorSpec(batchShape, dtype: dtype)])
    return SymbolicTensor(node: node, index: 0)
  }
}

extension Layer {
  /// What comes out of the layer in a graph, called with any arguments.
  ///
  /// The layer's variables are made by the model that is made from the graph.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such arguments; `unsupportedConfiguration`.
  public func callAsFunction(
    arguments: CallArguments<SymbolicTensor>
  ) throws(CairnError) -> [SymbolicTensor] {
    try GraphNode(calling: self, arguments).tensors
  }

  /// What comes out of the layer in a graph; the first, if there are several.
  ///
  /// - Parameter arguments: Further arguments by name: `("use_causal_mask", true)`.
  /// - Throws: as ``callAsFunction(arguments:)``.
  public func callAsFunction(
    _ input: SymbolicTensor, _ arguments: KeyValuePairs<String, JSONValue> = [:]
  ) throws(CairnError) -> SymbolicTensor {
    var call = CallArguments(inputs: [input])
    call.named = arguments.map { ($0.key, .value($0.value)) }
    return try first(callAsFunction(arguments: call))
  }

  /// What comes out of a layer that takes a list, in a graph; the first, if there are several.
  ///
  /// - Throws: as ``callAsFunction(arguments:)``.
  public func callAsFunction(_ inputs: [SymbolicTensor]) throws(CairnError) -> SymbolicTensor {
    try first(callAsFunction(arguments: CallArguments([.list(inputs.map { .tensor($0) })])))
  }

  private func first(_ tensors: [SymbolicTensor]) throws(CairnError) -> SymbolicTensor {
    guard let tensor = tensors.first else {
      throw CairnError(.countMismatch, "nothing comes out of the layer", at: .init(name: name))
    }
    return tensor
  }
}
