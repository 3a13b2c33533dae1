// Keras `models/functional.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A model that is a graph: layers called on the results of others, without cycles.
///
/// ```swift
/// let image = try Input(shape: [28, 28, 1], name: "image")
/// let features = try Flatten()(Conv2D(8, kernelSize: 3, activation: .relu)(image))
/// let model = try Functional(inputs: [image], outputs: [Dense(10)(features)])
/// ```
///
/// Layers may be called several times, and then have one set of variables; models are layers too.
/// `@unchecked Sendable`, as ``Model`` is: all stored properties are constants of `Sendable` types.
public final class Functional: Model, @unchecked Sendable {
  /// Keras registers the class under its own name.
  override class var kind: LayerKind {
    LayerKind(
      "Functional", module: "keras.src.models.functional", registeredName: "Functional",
      castsFloats: false)
  }

  let graph: LayerGraph
  let inputStructure: TensorStructure<SymbolicTensor>
  let outputStructure: TensorStructure<SymbolicTensor>

  /// A model of the calls that lead from `inputs` to `outputs`; its variables are made here.
  ///
  /// - Parameter seed: What the initial weights of layers that are not built yet are drawn from.
  /// - Throws: `invalidArgument` if an output depends on another input, or a model's input is no
  ///   ``Input(shape:batchSize:dtype:name:)``; `duplicateName`; `shapeMismatch`; `outOfMemory`.
  public convenience init(
    inputs: [SymbolicTensor], outputs: [SymbolicTensor], name: String? = nil,
    trainable: Bool = true, seed: UInt64 = .random(in: .min ... .max)
  ) throws(CairnError) {
    func structure(_ tensors: [SymbolicTensor]) -> TensorStructure<SymbolicTensor> {
      tensors.count == 1 ? .tensor(tensors[0]) : .list(tensors.map { .tensor($0) })
    }
    try self.init(
      inputs: structure(inputs), outputs: structure(outputs), name: name, trainable: trainable,
      seed: seed)
  }

  /// A model whose inputs and outputs are arranged as given.
  ///
  /// - Parameters and errors: as ``init(inputs:outputs:name:trainable:seed:)``.
  public convenience init(
    inputs: TensorStructure<SymbolicTensor>, outputs: TensorStructure<SymbolicTensor>,
    name: String? = nil, trainable: Bool = true, seed: UInt64 = .random(in: .min ... .max)
  ) throws(CairnError) {
    var context = BuildContext(.seeded(seed))
    let state = try LayerState(className: Self.className, name: name, trainable: trainable)
    try self.init(inputs, outputs, state: state, compile: nil, in: &context)
  }

  init(
    _ inputs: TensorStructure<SymbolicTensor>, _ outputs: TensorStructure<SymbolicTensor>,
    state: LayerState, compile: JSONValue?, in context: inout BuildContext
  ) throws(CairnError) {
    inputStructure = inputs
    outputStructure = outputs
    graph = try LayerGraph(inputs: inputs.tensors, outputs: outputs.tensors)
    let names = try Self.names(of: graph.layers)
    try Self.build(graph, in: &context)
    for (layer, name) in zip(graph.layers, names) { layer.state.nameIfUnnamed(name) }
    super.init(state: state, compileConfiguration: compile)
  }

  /// For each layer its name, or the one it will get.
  private static func names(of layers: [any Layer]) throws(CairnError) -> [String] {
    var taken = LayerNames()
    for layer in layers where layer.state.isNamed {
      guard taken.insert(layer.name) else {
        throw CairnError(
          .duplicateName, "two layers of one model have the same name", at: .init(name: layer.name),
          advice: "Give one of them another name")
      }
    }
    return layers.map { layer in
      guard !layer.state.isNamed else { return layer.name }
      let name = taken.unique(layer.name)
      _ = taken.insert(name)
      return name
    }
  }

  /// Makes the variables of layers that have none, each for its first call, and checks all calls.
  private static func build(
    _ graph: LayerGraph, in context: inout BuildContext
  ) throws(CairnError) {
    for node in graph.nodes where !node.layer.isBuilt {
      let specs = try node.arguments.mapTensors { $0.spec }
      try node.layer.build(for: node.layer.buildShapes(for: specs), in: &context)
    }
    _ = try graph.run(graph.inputs.map(\.spec)) { (node, arguments, _) throws(CairnError) in
      try BuildBudget.take(steps: 1 + node.outputs.count)
      return try node.layer.outputSpecs(for: arguments)
    }
  }

  /// All layers, in the order of weights, operations on tensors among them.
  public override var sublayers: [any Layer] { graph.layers }
  /// The inputs' shapes.
  override var builtShapes: [BatchShape]? { graph.inputs.map(\.shape) }
  /// The inputs, as the graph has them.
  public var inputs: [SymbolicTensor] { graph.inputs }
  /// The outputs, as the graph has them.
  public var outputs: [SymbolicTensor] { graph.outputs }

  /// Keras writes that there is no input shape.
  override var buildConfig: JSONObject? { ["input_shape": .null] }

  /// Does nothing: the layers were built with the model.
  ///
  /// - Throws: `shapeMismatch` if the shapes don't fit.
  override func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) { try check(inputs) }

  private func check(_ shapes: [BatchShape]) throws(CairnError) {
    guard shapes.count == graph.inputs.count else {
      throw CairnError(
        .countMismatch, "the model takes another number of inputs", at: .init(name: name),
        expected: "\(graph.inputs.count)", found: "\(shapes.count)")
    }
    for (shape, input) in zip(shapes, graph.inputs) {
      guard input.shape.isCompatible(with: shape) else {
        throw shapeMismatch(expected: "\(input.shape)", found: shape)
      }
    }
  }

  override func shapes(
    for inputs: [BatchShape]
  ) throws(CairnError) -> [BatchShape] {
    let specs = zip(inputs, graph.inputs).map { TensorSpec($0, dtype: $1.dtype) }
    return try outputSpecs(for: CallArguments(inputs: specs)).map(\.shape)
  }

  override func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let inputs = try plainInputs(arguments)
    try check(inputs.map(\.shape))
    // Inputs are converted to the types of the model's own inputs.
    return try graph.run(graph.inputs.indices.map { inputs[$0].fitted(to: graph.inputs[$0]) }) {
      (node, arguments, _) throws(CairnError) in
      try BuildBudget.take(steps: 1 + node.outputs.count)
      return try node.layer.outputSpecs(for: arguments)
    }
  }

  override func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    try evaluate(CallArguments(inputs: inputs.map { MaskedTensor($0) }), in: context)
      .map(\.tensor)
  }

  override func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    var inputs = try plainInputs(arguments)
    try check(inputs.map { BatchShape($0.tensor.shape) })
    for index in inputs.indices {
      // A model's inputs are converted to their types, as in Keras, if they are floats.
      let type = graph.inputs[index].dtype
      inputs[index].tensor = try inputs[index].tensor.fitted(to: type)
      let call = CallArguments(inputs: [inputs[index]])
      inputs[index] = try only(graph.inputs[index].node.layer.call(call, in: context))
    }
    return try graph.run(inputs, size: { $0.tensor.elementCount }) {
      (node, arguments, held) throws(CairnError) in
      try node.layer.call(arguments, in: context.holding(held, by: name))
    }
  }

  override func redrawn(
    in session: CloneSession, from inputs: [SymbolicTensor]?
  ) throws(CairnError) -> Model { try redrawnGraph(in: session, from: inputs) }

  override var config: JSONObject {
    let writer = GraphWriter(graph)
    var settings: JSONObject = ["name": .string(name), "trainable": .bool(trainable)]
    settings["layers"] = .array(graph.layers.map { writer.json($0) })
    settings["input_layers"] = inputStructure.json { writer.place(of: $0) }
    settings["output_layers"] = outputStructure.json { writer.place(of: $0) }
    return settings
  }
}

extension TensorSpec {
  /// The shape of what comes in, with the type of a model's input.
  fileprivate func fitted(to input: SymbolicTensor) -> TensorSpec {
    let isNumber = dtype.isPlainNumber && input.dtype.isPlainNumber
    return TensorSpec(shape, dtype: isNumber ? input.dtype : dtype)
  }
}

extension Tensor {
  /// The tensor in the type of a model's input, as Keras converts it (`Functional._convert_inputs`).
  func fitted(to type: DType) throws(CairnError) -> Tensor {
    dtype.isPlainNumber && type.isPlainNumber ? try cast(to: type) : self
  }
}

// MARK: - Configuration

/// Writes a graph as Keras does: layer by layer, each with its calls.
private struct GraphWriter {
  /// For each layer its calls within the graph, in the order in which they were made.
  private let nodes: [ObjectIdentifier: [GraphNode]]

  init(_ graph: LayerGraph) {
    var nodes: [ObjectIdentifier: [GraphNode]] = [:]
    for node in graph.nodes + graph.inputs.map(\.node) {
      let layer = ObjectIdentifier(node.layer)
      if !(nodes[layer] ?? []).contains(where: { $0 === node }) {
        nodes[layer, default: []].append(node)
      }
    }
    self.nodes = nodes.mapValues { $0.sorted { $0.serial < $1.serial } }
  }

  private func index(of node: GraphNode) -> Int {
    nodes[ObjectIdentifier(node.layer)]?.firstIndex { $0 === node } ?? 0
  }

  /// The layer's configuration, its name, and its calls.
  func json(_ layer: any Layer) -> JSONValue {
    guard case .object(var object) = layer.kerasConfiguration else { return .null }
    object["name"] = .string(layer.name)
    let calls = (nodes[ObjectIdentifier(layer)] ?? []).filter { !($0.layer is InputLayer) }
    object["inbound_nodes"] = .array(
      calls.map { call in
        var named = JSONObject()
        for (name, argument) in call.arguments.named { named[name] = json(argument) }
        return [
          "args": .array(call.arguments.positional.map { json($0) }), "kwargs": .object(named),
        ]
      })
    return .object(object)
  }

  private func json(_ argument: CallArgument<SymbolicTensor>) -> JSONValue {
    switch argument {
    case .value(let value): return value
    case .list(let elements): return .array(elements.map { json($0) })
    case .tensor(let tensor):
      return [
        "class_name": "__keras_tensor__",
        "config": [
          "shape": tensor.shape.json, "dtype": .string(tensor.dtype.name),
          "keras_history": [
            .string(tensor.node.layer.name), .integer(Int64(index(of: tensor.node))),
            .integer(Int64(tensor.index)),
          ],
        ],
      ]
    }
  }

  /// Layer, call and result; Keras counts the calls of functional models from 1 here.
  func place(of tensor: SymbolicTensor) -> JSONValue {
    let first = tensor.node.layer is Functional ? 1 : 0
    return [
      .string(tensor.node.layer.name), .integer(Int64(index(of: tensor.node) + first)),
      .integer(Int64(tensor.index)),
    ]
  }
}
