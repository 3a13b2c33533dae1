// Clones of models, layer by layer. Keras `models/cloning.py`.

public import CairnSystem
import CairnTensors

extension Model {
  /// Makes a layer of the clone from a layer of the original.
  package typealias CloneFunction = (any Layer) throws(CairnError) -> any Layer

  /// Calls a layer of the clone; its results take the place of the original's results.
  package typealias CallFunction = (any Layer, CallArguments<SymbolicTensor>) throws(CairnError) ->
    [SymbolicTensor]

  /// A model of the same graph, each layer made by a function; Keras's `clone_model` with
  /// `clone_function`, `call_function`, `input_tensors` and `recursive`.
  ///
  /// ```swift
  /// let wide = try model.cloned { layer in
  ///   layer.name == "hidden" ? try Dense(64, name: "hidden") : try layer.cloned()
  /// }
  /// ```
  ///
  /// The function is called once for each layer, including operations on tensors. It is never
  /// called for input layers, which are always new. It may return the layer itself (`{ $0 }`); the
  /// two models then share it. Names, `trainable` flags and the compile configuration are kept.
  ///
  /// Unlike in Keras, a variable in several places stays one variable, also between an inner and an
  /// outer model. Flags of single variables are kept wherever the layer is of the same class.
  ///
  /// - Parameters:
  ///   - inputs: What the clone begins with instead of inputs like the original's, in their order.
  ///   - recursive: Whether models within the model are cloned layer by layer too, with the same
  ///     function. If not, they go to the function as a whole.
  ///   - seed: What initial weights are drawn from.
  ///   - callFunction: What is done instead of calling a layer of a ``Functional`` model on its
  ///     arguments: layers can be put in front of it and after it.
  ///   - cloneFunction: Makes a layer of the clone from a layer.
  /// - Throws: `invalidArgument` for other inputs than the model has, for a call function on a
  ///   ``Sequential`` model, and where a shared variable would come apart; what drawing such a graph
  ///   throws; what the functions throw.
  public func cloned(
    inputs: [SymbolicTensor]? = nil, recursive: Bool = false,
    seed: UInt64 = .random(in: .min ... .max),
    calling callFunction: (
      (any Layer, CallArguments<SymbolicTensor>) throws(CairnError) -> [SymbolicTensor]
    )? = nil,
    _ cloneFunction: @escaping (any Layer) throws(CairnError) -> any Layer
  ) throws(CairnError) -> Model {
    guard callFunction == nil || self is Functional else {
      throw CairnError(
        .invalidArgument, "a call function is for graphs: the layers of this model are not called",
        at: .init(name: name), found: type(of: self).className)
    }
    let session = CloneSession(
      cloneFunction, calling: callFunction, recursive: recursive, seed: seed)
    let clone = try redrawn(in: session, from: inputs)
    try session.keepIdentities(of: self)
    return clone
  }
}

extension Layer where Self: Model {
  /// A model of the same architecture, configuration, names, flags and ties, and with the same
  /// weights; Keras's `clone_model`, then `set_weights(get_weights())`.
  ///
  /// Writing to one model does not change the other; storage is shared until then. State that is
  /// not a weight is fresh: `deepCopy()` keeps that too.
  ///
  /// - Parameters:
  ///   - copyingWeights: Whether the weights are those of the original, or fresh.
  ///   - seed: What is fresh is drawn from.
  ///   - registry: The classes of the model's layers, if some are not of this module.
  /// - Throws: as ``Model/cloned(seed:registry:)``.
  public func cloned(
    copyingWeights: Bool, seed: UInt64 = .random(in: .min ... .max),
    registry: LayerRegistry = .standard
  ) throws(CairnError) -> Self {
    // Values that are copied over need not be drawn, so an initializer that is not known does no
    // harm.
    let made: Model =
      try copyingWeights
      ? Model.make(
        configuration: configuration, registry: registry, initialization: .copied(seed),
        limits: .trusted)
      : (self as Model).cloned(seed: seed, registry: registry)
    guard let clone = made as? Self else {
      throw CairnError(
        .invalidConfiguration, "the registry makes another class of the model's configuration",
        at: .init(name: name), expected: "\(type(of: self))", found: "\(type(of: made))")
    }
    if copyingWeights { try clone.setWeights(getWeights()) }
    return clone
  }
}
