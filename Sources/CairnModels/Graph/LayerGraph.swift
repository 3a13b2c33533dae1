// The graph of a functional model: which calls there are, and in what order. Keras `ops/function.py`,
// `map_graph`: the order of layers is the order of weights.

import CairnSystem
import CairnTensors

/// The calls that lead from inputs to outputs.
struct LayerGraph: Sendable {
  let inputs: [SymbolicTensor]
  let outputs: [SymbolicTensor]
  /// The calls, each after those whose results it takes.
  let nodes: [GraphNode]
  /// The layers in Keras's order: those furthest from the outputs come first. Layers at the same
  /// distance are in the order in which a walk back from the outputs meets them.
  let layers: [any Layer]

  init(
    inputs: [SymbolicTensor], outputs: [SymbolicTensor]
  ) throws(CairnError) {
    self.inputs = inputs
    self.outputs = outputs
    guard !inputs.isEmpty, !outputs.isEmpty, Set(inputs).count == inputs.count else {
      throw CairnError(
        .invalidArgument, "a model needs inputs, each another, and outputs",
        found: "\(inputs.count) inputs and \(outputs.count) outputs")
    }
    for input in inputs where !(input.node.layer is InputLayer) {
      throw CairnError(
        .invalidArgument, "a model's input is the result of a layer",
        at: .init(name: input.node.layer.name), advice: "Begin the graph with Input(shape:)")
    }
    var walk = GraphWalk(inputs: inputs)
    for output in outputs { try walk.visit(output.node) }
    nodes = walk.order
    layers = Self.ordered(nodes, inputs: inputs, indices: walk.layerIndices)
  }

  private static func ordered(
    _ nodes: [GraphNode], inputs: [SymbolicTensor], indices: [ObjectIdentifier: Int]
  ) -> [any Layer] {
    var nodeDepths: [ObjectIdentifier: Int] = [:]
    var layerDepths: [ObjectIdentifier: Int] = [:]
    var layers: [any Layer] = []
    for node in nodes.reversed() {
      let layer = ObjectIdentifier(node.layer)
      let depth = max(nodeDepths[ObjectIdentifier(node)] ?? 0, layerDepths[layer] ?? 0)
      if layerDepths[layer] == nil { layers.append(node.layer) }
      layerDepths[layer] = depth
      nodeDepths[ObjectIdentifier(node)] = depth
      for tensor in node.arguments.tensors {
        let parent = ObjectIdentifier(tensor.node)
        nodeDepths[parent] = max(depth + 1, nodeDepths[parent] ?? 0)
      }
    }
    var indices = indices
    // Inputs that lead to no output stand before all others of depth 0.
    for input in inputs where layerDepths[ObjectIdentifier(input.node.layer)] == nil {
      let layer = ObjectIdentifier(input.node.layer)
      layerDepths[layer] = 0
      indices[layer] = -1
      layers.append(input.node.layer)
    }
    return layers.enumerated().sorted { left, right in
      let (a, b) = (ObjectIdentifier(left.element), ObjectIdentifier(right.element))
      let (x, y) = (layerDepths[a] ?? 0, layerDepths[b] ?? 0)
      guard x == y else { return x > y }
      let (i, j) = (indices[a] ?? 0, indices[b] ?? 0)
      return i == j ? left.offset < right.offset : i < j
    }.map(\.element)
  }

  /// Runs the calls, each after those whose results it takes.
  ///
  /// - Parameters:
  ///   - values: For each input a value.
  ///   - asDrawn: Whether to run the calls in the order in which they were made. The numbers of a
  ///     layer's calls depend on that order.
  ///   - size: How much of the bounded total a value takes.
  ///   - call: Gives the results of a call; its last argument is how much the results held
  ///     meanwhile take.
  /// - Returns: A value for each output.
  func run<Value: Sendable>(
    _ values: [Value], asDrawn: Bool = false, size: (Value) -> Int = { _ in 0 },
    _ call: (GraphNode, CallArguments<Value>, Int) throws(CairnError) -> [Value]
  ) throws(CairnError) -> [Value] {
    var known: [SymbolicTensor: Value] = [:]
    // How often each value is still needed. Values that are no longer needed are released.
    var uses: [SymbolicTensor: Int] = [:]
    for tensor in nodes.flatMap(\.arguments.tensors) + outputs { uses[tensor, default: 0] += 1 }
    var held = 0
    for (input, value) in zip(inputs, values) { known[input] = value }
    func look(_ tensor: SymbolicTensor) throws(CairnError) -> Value {
      guard let value = known[tensor] else {
        throw CairnError(
          .invalidArgument, "a result of the graph is not there",
          at: .init(name: tensor.node.layer.name))
      }
      return value
    }
    let order = asDrawn ? nodes.sorted { $0.serial < $1.serial } : nodes
    for node in order where !(node.layer is InputLayer) {
      let results = try call(node, node.arguments.mapTensors(look), held)
      for tensor in node.arguments.tensors {
        uses[tensor, default: 1] -= 1
        if uses[tensor] == 0, let value = known.removeValue(forKey: tensor) {
          if !(tensor.node.layer is InputLayer) { held -= size(value) }
        }
      }
      guard results.count == node.outputs.count else {
        throw CairnError(
          .countMismatch, "a layer gives another number of results than it said",
          at: .init(name: node.layer.name), expected: "\(node.outputs.count)",
          found: "\(results.count)")
      }
      for (index, value) in results.enumerated() {
        known[SymbolicTensor(node: node, index: index)] = value
        held = held.addingSaturated(size(value))
      }
    }
    var results: [Value] = []
    for output in outputs { results.append(try look(output)) }
    return results
  }
}

/// A walk back from the outputs, depth first, without recursion, so that a graph may have any
/// depth.
private struct GraphWalk {
  private(set) var order: [GraphNode] = []
  private(set) var layerIndices: [ObjectIdentifier: Int] = [:]
  private var finished: Set<ObjectIdentifier> = []
  private let inputs: Set<ObjectIdentifier>

  init(inputs: [SymbolicTensor]) { self.inputs = Set(inputs.map { ObjectIdentifier($0.node) }) }

  /// Visits a node after all nodes whose results it takes.
  mutating func visit(_ start: GraphNode) throws(CairnError) {
    var path: [(node: GraphNode, parents: [GraphNode], next: Int)] = []
    try enter(start, &path)
    while let last = path.last {
      if last.next < last.parents.count {
        path[path.count - 1].next += 1
        try enter(last.parents[last.next], &path)
      } else {
        path.removeLast()
        finished.insert(ObjectIdentifier(last.node))
        order.append(last.node)
      }
    }
  }

  // Nodes are constants that hold their arguments, so there are no cycles.
  private mutating func enter(
    _ node: GraphNode, _ path: inout [(node: GraphNode, parents: [GraphNode], next: Int)]
  ) throws(CairnError) {
    guard !finished.contains(ObjectIdentifier(node)) else { return }
    if node.layer is InputLayer, !inputs.contains(ObjectIdentifier(node)) {
      throw CairnError(
        .invalidArgument, "the graph begins at an input that the model does not have",
        at: .init(name: node.layer.name), advice: "Add it to the model's inputs")
    }
    let layer = ObjectIdentifier(node.layer)
    if layerIndices[layer] == nil { layerIndices[layer] = layerIndices.count }
    path.append((node, node.arguments.tensors.map(\.node), 0))
  }
}
