// Keras `models/sequential.py`.

package import CairnJSON
public import CairnSystem
import CairnTensors

/// A model whose layers follow one another.
///
/// It is built, and so has weights, as soon as its input shape is known: if it begins with an
/// ``InputLayer`` (or with a model whose input shape is known) and has a further layer, when that
/// is added; otherwise when ``Layer/build(inputShape:seed:)`` is called or it is first evaluated.
/// Building puts an ``InputLayer`` in front if there is none, as Keras does.
///
/// `@unchecked Sendable`, as ``Model`` is: the one stored property is a constant, a mutex.
public final class Sequential: Model, @unchecked Sendable {
  override class var kind: LayerKind {
    LayerKind("Sequential", module: "keras", castsFloats: false)
  }

  private let stack: Lock<SequentialStack>
  /// Taken by every change of any model's layers, so that two models that are added to each other
  /// at the same time can't end up containing each other.
  private static let structure = Lock<Void>(())

  /// A model of those layers.
  ///
  /// Layers without a name are named here, after their class: `dense`, `dense_1`, ….
  ///
  /// - Parameter seed: What the initial weights of layers that are not built yet are drawn from;
  ///   the same seed gives the same ones.
  /// - Throws: `duplicateName` if two layers have one name, or one layer is given twice;
  ///   `invalidName`; `invalidArgument` for an input layer that is not the first; `shapeMismatch`
  ///   if a layer can't take what the one ahead of it gives; `outOfMemory`.
  public init(
    _ layers: [any Layer] = [], name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32, seed: UInt64 = .random(in: .min ... .max)
  ) throws(CairnError) {
    var stack = SequentialStack(BuildContext(.seeded(seed)))
    let state = try LayerState(
      className: Self.className, name: name, trainable: trainable, dtype: dtype)
    try stack.append(layers)
    try stack.buildIfPossible()
    stack.nameLayers()
    self.stack = Lock(stack)
    super.init(state: state, compileConfiguration: nil)
  }

  /// The model of a configuration: ``Model/configuration``, or what Keras 3's `to_json()` writes.
  ///
  /// - Parameters and errors: as ``Model/make(configuration:registry:initialization:limits:)``.
  package convenience init(
    configuration: JSONValue, registry: LayerRegistry = .standard,
    initialization: Initialization = .seeded(.random(in: .min ... .max)),
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) {
    let extras = try ModelExtras(of: configuration)
    var context = RebuildContext(
      registry: registry, initialization: initialization, limits: limits,
      version: extras.version ?? .newest, sharedLayers: extras.sharedLayers)
    var opened = try context.open(configuration, at: "")
    guard opened.registryName == Self.className else {
      throw CairnError(
        .invalidConfiguration, "the configuration is not a sequential model's",
        at: .init(name: "class_name"), expected: Self.className, found: opened.registryName)
    }
    _ = try context.enter(opened)
    try self.init(reading: &opened.reader, in: &context)
    try context.finish(self, opened)
    try apply(extras)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    let state = try reader.layerState(className: Self.className)
    let shape = try reader.optionalShape("build_input_shape")
    guard let elements = reader.take("layers")?.arrayValue else {
      throw reader.invalid("layers", expected: "an array of layers")
    }
    var layers: [any Layer] = []
    for (index, element) in elements.enumerated() {
      layers.append(
        try context.layer(from: element, at: "\(reader.path(of: "layers"))[\(index)]"))
    }
    do throws(CairnError) {
      // Layers that are added later are neither left zero nor bounded by the configuration's
      // limits.
      var stack = SequentialStack(context.build.successor())
      try stack.append(layers)
      try stack.buildIfPossible(in: &context.build)
      if let shape, !layers.isEmpty { try stack.build(for: shape, in: &context.build) }
      stack.nameLayers()
      self.stack = Lock(stack)
    } catch {
      throw error.located(name: reader.path(of: "layers"))
    }
    super.init(state: state, compileConfiguration: context.compileConfiguration)
  }

  /// Adds a layer at the end, and builds it if the model is built.
  ///
  /// - Throws: as ``init(_:name:trainable:dtype:seed:)``; `invalidArgument` if the layer is this
  ///   model or holds it. Then nothing has changed.
  public func add(_ layer: any Layer) throws(CairnError) {
    try Self.structure.withLock { (_) throws(CairnError) in
      // Checked before this model's own lock is taken: looking through a cycle would take the lock
      // again.
      guard layer !== self,
        !layer.allSublayers().contains(where: { $0 === self })
      else {
        throw CairnError(
          .invalidArgument, "a model cannot hold itself", at: .init(name: name))
      }
      try stack.withLock { (stack) throws(CairnError) in
        var longer = stack
        try longer.append([layer])
        try longer.buildIfPossible()
        longer.nameLayers()
        stack = longer
      }
    }
  }

  /// Takes the last layer away.
  ///
  /// - Throws: `invalidArgument` if there is none.
  @discardableResult
  public func pop() throws(CairnError) -> any Layer {
    try Self.structure.withLock { (_) throws(CairnError) in
      try stack.withLock { (stack) throws(CairnError) in
        var shorter = stack
        let layer = try shorter.removeLast()
        stack = shorter
        return layer
      }
    }
  }

  public override var sublayers: [any Layer] { stack.withLock { $0.layers } }
  override func isListed(_ layer: any Layer) -> Bool {
    super.isListed(layer) && !(layer is InputLayer)
  }
  override var builtShapes: [BatchShape]? {
    stack.withLock { $0.inputShape }.map { [$0] }
  }

  override var config: JSONObject {
    var settings = state.baseSettings
    let (layers, shape) = stack.withLock { ($0.layers, $0.inputShape) }
    settings["layers"] = .array(layers.map(\.kerasConfiguration))
    if let shape { settings["build_input_shape"] = shape.json }
    return settings
  }

  override func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    let input = try only(inputs)
    try stack.withLock { (stack) throws(CairnError) in
      try stack.build(for: input, in: &context)
    }
  }

  /// Makes the variables for an input of that shape, drawn from the model's own seed; does nothing
  /// if they are there.
  ///
  /// - Throws: `shapeMismatch` if the model can't take such an input; `notBuilt` if it has no
  ///   layers; `outOfMemory`.
  public func build(inputShape: BatchShape) throws(CairnError) {
    try stack.withLock { (stack) throws(CairnError) in
      var context = stack.context
      try stack.build(for: inputShape, in: &context)
      stack.context = context
    }
  }

  override func shapes(
    for inputs: [BatchShape]
  ) throws(CairnError) -> [BatchShape] {
    let input = try only(inputs)
    let (layers, known) = stack.withLock { ($0.layers, $0.inputShape) }
    if let known, !known.isCompatible(with: input) {
      throw shapeMismatch(expected: "\(known)", found: input)
    }
    return [try SequentialStack.outputShape(of: layers, for: input)]
  }

  override func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let input = try only(plainInputs(arguments))
    _ = try outputShapes(for: [input.shape])
    var spec = input
    for layer in sublayers {
      try BuildBudget.take()
      spec = try layer.only(layer.outputSpecs(for: CallArguments(inputs: [spec])))
    }
    return [spec]
  }

  override func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let arguments = CallArguments(inputs: inputs.map { MaskedTensor($0) })
    return try evaluate(arguments, in: context).map(\.tensor)
  }

  override func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    var input = try only(plainInputs(arguments))
    if let mask = arguments["mask"]?.tensors.first { input.mask = mask.tensor }
    if !isBuilt { try build(inputShape: BatchShape(input.tensor.shape).withAnyBatchSize) }
    // Inside another model the input may be of another type. Keras's `Sequential` runs through a
    // `Functional`, which converts it.
    if let first = sublayers.first as? InputLayer {
      input.tensor = try input.tensor.fitted(to: first.dtype)
    }
    for layer in sublayers {
      input = try layer.only(layer.call(CallArguments(inputs: [input]), in: context))
    }
    return [input]
  }

  /// A model of those layers, otherwise like `other`.
  private init(
    _ layers: [any Layer], like other: Sequential, in context: inout BuildContext
  ) throws(CairnError) {
    let state = try other.state.fresh(Self.className)
    var stack = SequentialStack(context.successor())
    try stack.append(layers)
    try stack.buildIfPossible(in: &context)
    stack.nameLayers()
    self.stack = Lock(stack)
    super.init(state: state, compileConfiguration: other.compileConfiguration)
    try addMetrics(like: other)
  }

  override func redrawn(
    in session: CloneSession, from inputs: [SymbolicTensor]?
  ) throws(CairnError) -> Model {
    // A call function is for graphs. Keras does not apply it to sequential models within a graph
    // either.
    let layers = sublayers
    if let inputs, inputs.count != 1 { throw wrongInputs(expected: 1, found: inputs.count) }
    let input = layers.first as? InputLayer
    var clones: [any Layer] = []
    if let new = try Self.clonedInput(like: input, replacedBy: inputs?.first) { clones = [new] }
    for layer in layers where !(layer is InputLayer) { clones.append(try session.clone(layer)) }
    return try Sequential(clones, like: self, in: &session.build)
  }

  /// A model of the same architecture with fresh initial weights.
  ///
  /// - Parameters and errors: as ``Model/cloned(seed:registry:)``.
  public override func cloned(
    seed: UInt64 = .random(in: .min ... .max), registry: LayerRegistry = .standard
  ) throws(CairnError) -> Sequential {
    try Sequential(
      configuration: configuration, registry: registry, initialization: .seeded(seed),
      limits: .trusted)
  }
}
