// What a sequential model knows about its layers. It is a value, so that a change that fails
// changes nothing.

import CairnSystem
import CairnTensors

/// Layers in their order, their names, and the input shape once it is known.
struct SequentialStack: Sendable {
  private(set) var layers: [any Layer] = []
  private var names = LayerNames()
  private var identities: Set<ObjectIdentifier> = []
  private var namesToGive: [(layer: any Layer, name: String)] = []
  /// The shape that the layers were built for.
  private(set) var inputShape: BatchShape?
  /// The output of the last built layer for that input, and the number of layers that are built.
  private var outputShape: BatchShape?
  private var builtCount = 0
  /// What initial weights are drawn from.
  var context: BuildContext

  init(_ context: BuildContext) { self.context = context }

  /// Appends layers; those without a name will get one by ``nameLayers()``.
  mutating func append(_ added: [any Layer]) throws(CairnError) {
    for layer in added {
      if layer is InputLayer, !layers.isEmpty {
        throw CairnError(
          .invalidArgument, "an input layer can only be the first", at: .init(name: layer.name))
      }
      guard identities.insert(ObjectIdentifier(layer)).inserted else {
        throw CairnError(
          .duplicateName, "a layer stands twice in one sequential model",
          at: .init(name: layer.name), advice: "Make two layers and share their variables")
      }
      var name = layer.name
      if !layer.state.isNamed {
        name = names.unique(name)
        namesToGive.append((layer, name))
      }
      guard names.insert(name) else {
        throw CairnError(
          .duplicateName, "two layers of one sequential model have the same name",
          at: .init(name: name), advice: "Give one of them another name")
      }
      layers.append(layer)
    }
  }

  /// Names the layers that had no name. It is called once nothing can fail any more.
  mutating func nameLayers() {
    for (layer, name) in namesToGive { layer.state.nameIfUnnamed(name) }
    namesToGive = []
  }

  mutating func removeLast() throws(CairnError) -> any Layer {
    guard let last = layers.popLast() else {
      throw CairnError(.invalidArgument, "the model has no layer to take away")
    }
    names.remove(last.name)
    identities.remove(ObjectIdentifier(last))
    if layers.filter({ !($0 is InputLayer) }).isEmpty {
      (inputShape, outputShape, builtCount) = (nil, nil, 0)
    } else if let inputShape {
      outputShape = try Self.outputShape(of: layers, for: inputShape)
      builtCount = layers.count
    }
    return last
  }

  /// Builds the layers if the first one says for which shape, and is not the only one.
  mutating func buildIfPossible(in context: inout BuildContext) throws(CairnError) {
    if let inputShape {
      try buildRest(for: inputShape, in: &context)
    } else if layers.count > 1 {
      if let input = layers.first as? InputLayer {
        try buildRest(for: input.batchShape, in: &context)
      } else if let model = layers.first as? Model, let shape = model.inputShapes?.first {
        try buildRest(for: shape, in: &context)
      }
    }
  }

  /// As ``buildIfPossible(in:)``, from the stack's own seed.
  mutating func buildIfPossible() throws(CairnError) {
    var context = context
    try buildIfPossible(in: &context)
    self.context = context
  }

  /// Builds the layers for an input of that shape; if they are built, checks that it fits.
  mutating func build(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) {
    if let inputShape {
      guard inputShape.isCompatible(with: input) else {
        throw CairnError(
          .shapeMismatch, "the model was built for another shape", expected: "\(inputShape)",
          found: "\(input)")
      }
      return
    }
    guard !layers.isEmpty else {
      throw CairnError(.notBuilt, "a model without layers cannot be built")
    }
    try buildRest(for: input, in: &context)
  }

  /// Builds the layers that are not built yet.
  ///
  /// All shapes are checked before any variable is made, and nothing is kept if something fails.
  private mutating func buildRest(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) {
    var stack = self
    var input = input
    if let first = layers.first as? InputLayer {
      _ = try first.outputShape(for: input)
      input = first.batchShape
    } else if let first = layers.first {
      let name = stack.names.unique(LayerName.automatic(for: InputLayer.className))
      let inserted = try InputLayer(
        batchShape: input, dtype: first.state.dtype.computeDType, name: name)
      stack.layers.insert(inserted, at: 0)
      _ = stack.names.insert(name)
      stack.identities.insert(ObjectIdentifier(inserted))
    }
    let rest = stack.layers[builtCount...]
    let start = outputShape ?? input
    _ = try Self.outputShape(of: rest, for: start)
    var shape = start
    for layer in rest {
      try layer.build(for: [shape], in: &context)
      shape = try Self.outputShape(of: [layer], for: shape)
    }
    (stack.inputShape, stack.outputShape, stack.builtCount) = (input, shape, stack.layers.count)
    self = stack
  }

  /// What comes out of the last layer if an input of that shape goes into the first.
  static func outputShape(
    of layers: some Sequence<any Layer>, for input: BatchShape
  ) throws(CairnError) -> BatchShape {
    var shape = input
    for layer in layers {
      try BuildBudget.take()
      shape = try layer.only(layer.outputShapes(for: [shape]))
    }
    return shape
  }
}
