// Keras `layers/rnn/bidirectional.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Two recurrent layers, one of which goes through the steps backwards.
///
/// Call: as its layers. Output: both layers' outputs, merged; the backward layer's sequence is
/// reversed first. Variables: the forward layer's, then the backward layer's.
public final class Bidirectional: SequenceLayer, MadeLayer {
  static let kind = LayerKind("Bidirectional", callArguments: ["initial_state"])

  /// How the two outputs become one.
  public enum MergeMode: String, Hashable, Sendable, CaseIterable {
    /// Side by side.
    case concatenation = "concat"
    /// Their sum.
    case sum
    /// Their product.
    case product = "mul"
    /// Their mean.
    case mean = "ave"
  }

  let core: LayerState
  /// The layer that goes through the steps in order.
  let forward: any Layer
  /// The layer that goes through them backwards.
  let backward: any Layer
  /// How the outputs are merged; nil for two outputs.
  let mergeMode: MergeMode?

  /// A pair of recurrent layers.
  ///
  /// - Parameters:
  ///   - layer: An ``LSTM``, ``GRU`` or ``SimpleRNN``; both layers are made from its configuration.
  ///   - backward: The backward layer, if it is to be another.
  /// - Throws: `invalidArgument` for layers that are not recurrent, or unless exactly the second
  ///   one goes backwards; `invalidName`.
  public convenience init(
    _ layer: any Layer, backward: (any Layer)? = nil, mergeMode: MergeMode? = .concatenation,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var settings: LayerSettings = [
      "merge_mode": mergeMode,
      "layer": layer.kerasConfiguration,
    ]
    if let backward { settings["backward_layer"] = backward.kerasConfiguration }
    guard [layer, backward].allSatisfy({ $0 == nil || $0 is any RecurrentLayer }) else {
      throw try settings.reader(of: Self.className, name: name, trainable: trainable, dtype: dtype)
        .invalid("layer", expected: Self.expectedLayers)
    }
    try self.init(
      making: settings, name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    let isGiven = reader.has("merge_mode")
    let name = reader.take("merge_mode")?.stringValue
    if let name, MergeMode(rawValue: name) == nil {
      throw reader.invalid("merge_mode", expected: "concat, sum, mul, ave or null")
    }
    mergeMode = isGiven ? name.flatMap { MergeMode(rawValue: $0) } : .concatenation
    reader.record("merge_mode", mergeMode.map { .string($0.rawValue) } ?? .null)
    guard let wrapped = reader.take("layer")?.objectValue,
      let wrappedSettings = wrapped["config"]?.objectValue
    else { throw reader.invalid("layer", expected: "a layer's configuration") }
    // Names as Keras gives them (`Bidirectional.__init__`).
    let given = wrappedSettings["name"]?.stringValue
    let base =
      given.map { $0.hasPrefix("forward_") ? String($0.dropFirst(8)) : $0 }
      ?? LayerName.automatic(for: wrapped["class_name"]?.stringValue ?? "")
    var ahead = wrapped
    var aheadSettings = wrappedSettings
    aheadSettings["name"] = .string("forward_\(base)")
    ahead["config"] = .object(aheadSettings)
    forward = try context.layer(from: .object(ahead), at: reader.path(of: "layer"))
    if let other = reader.take("backward_layer") {
      backward = try context.layer(from: other, at: reader.path(of: "backward_layer"))
    } else {
      aheadSettings["name"] = .string("backward_\(base)")
      aheadSettings["go_backwards"] = .bool(
        !(wrappedSettings["go_backwards"]?.boolValue ?? false))
      ahead["config"] = .object(aheadSettings)
      backward = try context.layer(from: .object(ahead), at: reader.path(of: "layer"))
    }
    guard let one = forward as? any RecurrentLayer, let two = backward as? any RecurrentLayer,
      one.sequence.goesBackwards != two.sequence.goesBackwards,
      one.sequence.returnsState == two.sequence.returnsState,
      one.sequence.returnsSequences == two.sequence.returnsSequences
    else {
      throw reader.invalid("layer", expected: Self.expectedLayers)
    }
    core = try reader.layerState(className: Self.className)
  }

  private static let expectedLayers =
    "recurrent layers that go in different directions and give the same"

  /// Both layers.
  var parts: [(name: String, layer: any Layer)] {
    [("forward_layer", forward), ("backward_layer", backward)]
  }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject {
    state.settings(with: [
      "layer": forward.kerasConfiguration, "backward_layer": backward.kerasConfiguration,
    ])
  }

  private var givesSequences: Bool {
    (forward as? any RecurrentLayer)?.sequence.returnsSequences ?? false
  }

  /// Makes both layers' variables.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    _ = try outputShapes(for: inputs)
    try forward.build(for: inputs, in: &context)
    try backward.build(for: inputs, in: &context)
    try state.buildOnce(for: inputs) { [] }
  }

  /// The sequence's shape: initial states need no building.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    Array(try forward.buildShapes(for: arguments).prefix(1))
  }

  /// The merged shape, or both, and maybe the states.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    let one = try forward.outputShapes(for: inputs)
    let two = try backward.outputShapes(for: inputs)
    let states = Array(one.dropFirst() + two.dropFirst())
    guard let mergeMode else { return [one[0], two[0]] + states }
    guard mergeMode == .concatenation else {
      guard one[0] == two[0] else {
        throw shapeMismatch(expected: "equal outputs of both layers", found: two[0])
      }
      return [one[0]] + states
    }
    guard let a = one[0].dimensions.last ?? nil, let b = two[0].dimensions.last ?? nil else {
      throw shapeMismatch(expected: "known units", found: one[0])
    }
    return [try one[0].withLast(a + b)] + states
  }

  /// Both layers' outputs, merged, and maybe the states.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    try checkNamed(arguments)
    var (ahead, back) = (arguments, arguments)
    if let states = arguments.argument(1, "initial_state")?.tensors {
      guard states.count % 2 == 0 else {
        throw CairnError(
          .countMismatch, "both layers need as many initial states", at: .init(name: name),
          expected: "an even number", found: "\(states.count)")
      }
      let half = states.count / 2
      func split(_ part: ArraySlice<MaskedTensor>) -> CallArguments<MaskedTensor> {
        var call = arguments
        call.positional = Array(call.positional.prefix(1))
        call.named.removeAll { $0.name == "initial_state" }
        call.named.append(("initial_state", .list(part.map { .tensor($0) })))
        return call
      }
      (ahead, back) = (split(states[..<half]), split(states[half...]))
    }
    let calls = [(forward, ahead), (backward, back)]
    // The directions know nothing of each other. Steps are too small to be spread over threads.
    let done = Lock([[MaskedTensor]](repeating: [], count: calls.count))
    try inParallel(calls.count, threads: context.threads) { (index) throws(CairnError) in
      let (layer, arguments) = calls[index]
      let outputs = try layer.evaluate(arguments, in: context)
      done.withLock { $0[index] = outputs }
    }
    let one = done.withLock { $0[0] }
    var two = done.withLock { $0[1] }
    guard let first = one.first, let second = two.first else { throw state.notBuilt() }
    if givesSequences {
      let shape = second.tensor.shape
      two[0].tensor = try second.tensor.gathered(
        [Array(0..<shape[0]), Array((0..<shape[1]).reversed()), Array(0..<shape[2])], in: context)
    }
    let states = Array(one.dropFirst() + two.dropFirst())
    let merged = try merged(first.tensor, two[0].tensor, in: context)
    return merged.map { MaskedTensor($0, mask: first.mask) } + states
  }

  private func merged(
    _ one: Tensor, _ two: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard let mergeMode else { return [one, two] }
    guard mergeMode != .concatenation else {
      let width = one.shape[one.rank - 1] + two.shape[two.rank - 1]
      let shape = Array(one.shape.dimensions.dropLast()) + [width]
      return [try Tensor.concatenated([one, two], axis: one.rank - 1, shape: context.shape(shape))]
    }
    let function: MergingFunction =
      switch mergeMode {
      case .product: .product
      case .mean: .mean
      default: .sum
      }
    return [
      try Precision(for: one.dtype).run(
        FloatMerging(
          function: function, inputs: [MaskedTensor(one), MaskedTensor(two)], context: context))
    ]
  }
}

extension Bidirectional.MergeMode: SettingValue {}
