// Scaling of the loss that follows the gradients. Keras `optimizers/loss_scale_optimizer.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// How the number that a loss is multiplied by follows the gradients: Keras's `LossScaleOptimizer`
/// around another optimizer.
///
/// Gradients are divided by this number. If one of them is not finite, the number is halved and the
/// step is left out; after a number of steps without that it is doubled.
public struct LossScaling: Hashable, Sendable {
  static let className = "LossScaleOptimizer"

  /// What the loss is multiplied by at first.
  public var initialScale: Double
  /// After how many steps with only finite gradients the number is doubled.
  public var growthSteps: Int
  /// The name in Keras's configuration.
  public var name: String

  /// Keras's defaults unless others are given; ``Optimizer`` checks them.
  public init(
    initialScale: Double = 0x1p15, growthSteps: Int = 2000, name: String = "loss_scale_optimizer"
  ) {
    self.initialScale = initialScale
    self.growthSteps = growthSteps
    self.name = name
  }

  /// Reads the keys of the class's own.
  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    name = try reader.string("name", default: "loss_scale_optimizer")
    initialScale = try reader.double("initial_scale", default: 0x1p15)
    growthSteps = try reader.integer("dynamic_growth_steps", in: 1 ... .max, default: 2000)
    // Keys that Keras once wrote for every optimizer; they are accepted if they have no effect.
    let nothing: [(String, JSONValue)] = [
      ("dynamic", true), ("weight_decay", .null), ("clipnorm", .null), ("global_clipnorm", .null),
      ("clipvalue", .null), ("use_ema", false), ("ema_momentum", 0.99),
      ("ema_overwrite_frequency", .null), ("loss_scale_factor", .null),
      ("gradient_accumulation_steps", .null),
    ]
    for (key, value) in nothing {
      guard let found = reader.take(key), found != value else { continue }
      throw reader.invalid(key, expected: "that option on the inner optimizer")
    }
    try check(at: { reader.path(of: $0) })
  }

  /// Checks that the numbers and the name can be used.
  ///
  /// - Throws: `invalidConfiguration`, `invalidName`.
  func check(at path: (String) -> String) throws(CairnError) {
    guard Float(initialScale).isFinite, growthSteps > 0 else {
      throw CairnError(
        .invalidConfiguration, "a loss cannot be scaled like that",
        at: .init(name: path("initial_scale")),
        expected: "a scale of single precision, and one step or more",
        found: "\(initialScale), \(growthSteps)")
    }
    try located(at: path("name")) { () throws(CairnError) in
      try LayerName.check(name)
    }
  }

  /// Keras's configuration of the scaling around an optimizer of that configuration.
  func configuration(around inner: JSONValue) -> JSONValue {
    [
      "module": "keras.optimizers", "class_name": .string(Self.className),
      "config": [
        "name": .string(name), "inner_optimizer": inner, "initial_scale": .double(initialScale),
        "dynamic_growth_steps": .integer(Int64(growthSteps)),
      ],
      "registered_name": .null,
    ]
  }
}

/// The state of a loss's scaling, in Keras's variables.
struct LossScale: Sendable {
  let growthSteps: Int
  /// What every optimizer of Keras's has; these never change.
  private let iterations: Variable
  private let learningRate: Variable
  /// The number of steps with finite gradients since the scale was last changed.
  private let steps: Variable
  /// What the loss is multiplied by.
  private let scale: Variable

  init(_ scaling: LossScaling) throws(CairnError) {
    func variable<Scalar: TensorScalar>(
      _ name: String, _ value: Scalar
    ) throws(CairnError) -> Variable {
      Variable(try Tensor(scalar: value), name: name, trainable: false)
    }
    growthSteps = scaling.growthSteps
    iterations = try variable("iteration", Int32(0))
    learningRate = try variable("learning_rate", Float(0))
    steps = try variable("step_counter", Int32(0))
    scale = try variable("dynamic_scale", Float(scaling.initialScale))
  }

  /// The variables, in Keras's order; two of them are there once the optimizer is built.
  func places(isBuilt: Bool) -> [OptimizerPlace] {
    (isBuilt ? [iterations, learningRate, steps, scale] : [iterations, learningRate]).map {
      OptimizerPlace(owner: LossScaling.className, slot: $0.name, target: nil, variable: $0)
    }
  }

  /// What the loss is multiplied by.
  var value: Float {
    get throws(CairnError) { try scale.value.scalar() }
  }

  /// The gradients of the loss itself; nil if one of them is not finite.
  func unscaled(_ gradients: [Tensor?]) throws(CairnError) -> [Tensor?]? {
    let scale = try value
    var unscaled: [Tensor?] = []
    for gradient in gradients {
      guard let gradient else {
        unscaled.append(nil)
        continue
      }
      let quotient = Quotient(gradient: gradient, scale: scale)
      guard let quotient = try Precision(for: gradient.dtype).run(quotient) else { return nil }
      unscaled.append(quotient)
    }
    return unscaled
  }

  /// A gradient by the scale; nil if it is not finite.
  private struct Quotient: FloatWork {
    let gradient: Tensor
    let scale: Float

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor? {
      let isFinite = try gradient.withScalars(of: Scalar.self) { values in
        values.indices.allSatisfy { values[$0].isFinite }
      }
      let scale = Scalar(scale)
      return isFinite ? try gradient.mapped { (x: Scalar) in x / scale } : nil
    }
  }

  /// What is to be assigned after a step, or after one that was left out.
  func assignments(afterStep isTaken: Bool) throws(CairnError) -> [(Variable, Tensor)] {
    let (count, now) = (try steps.value.scalar(of: Int32.self), try value)
    func next(_ count: Int32, _ scale: Float) throws(CairnError) -> [(Variable, Tensor)] {
      [(steps, try Tensor(scalar: count)), (self.scale, try Tensor(scalar: scale))]
    }
    guard isTaken else { return try next(0, now * 0.5) }
    return Int(count) == growthSteps - 1 ? try next(0, now * 2) : try next(count &+ 1, now)
  }
}
