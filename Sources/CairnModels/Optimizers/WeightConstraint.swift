// The constraints that weights are brought back to after each update. Keras
// `constraints/constraints.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A constraint on a weight, as a layer's configuration has it.
enum WeightConstraint: Sendable, Hashable {
  /// Runs along the axes have at most that length; nil for all axes.
  case maximumNorm(Double, axes: [Int]?)
  /// No element is negative.
  case nonNegative
  /// Runs along the axes have length 1.
  case unitNorm(axes: [Int]?)
  /// Runs along the axes are of a length in between, or brought nearer to it by a rate.
  case norm(from: Double, to: Double, rate: Double, axes: [Int]?)

  /// The constraint of a configuration; nil if it is Keras's base class, which changes nothing.
  ///
  /// - Throws: `unsupportedConfiguration` for a class that is not Keras's; `invalidConfiguration`.
  static func read(_ value: JSONValue, at path: String) throws(CairnError) -> WeightConstraint? {
    let object = value.objectValue.map { JSONValue.object($0) }
    guard let name = value.stringValue ?? object?["class_name"]?.stringValue else {
      throw CairnError(
        .invalidConfiguration, "a constraint has no class", at: .init(name: path),
        found: value.description)
    }
    var reader = try ConfigurationReader(object?["config"] ?? [:], path: path)
    switch name {
    case "Constraint", "constraint": return nil
    case "NonNeg", "non_neg": return .nonNegative
    case "UnitNorm", "unit_norm": return .unitNorm(axes: try axes(&reader))
    case "MaxNorm", "max_norm":
      return .maximumNorm(try reader.double("max_value", default: 2), axes: try axes(&reader))
    case "MinMaxNorm", "min_max_norm":
      return .norm(
        from: try reader.double("min_value", default: 0),
        to: try reader.double("max_value", default: 1),
        rate: try reader.double("rate", default: 1), axes: try axes(&reader))
    default:
      throw CairnError(
        .unsupportedConfiguration, "there is no constraint ‘\(name)’", at: .init(name: path),
        expected: "MaxNorm, MinMaxNorm, NonNeg or UnitNorm",
        advice: "The model can be evaluated, saved and copied, but no optimizer can change it")
    }
  }

  private static func axes(_ reader: inout ConfigurationReader) throws(CairnError) -> [Int]? {
    if reader.has("axis"), reader.peek("axis") == nil { return nil }
    return try reader.axes("axis", default: [0])
  }

  /// The axes of weights of that shape, counted from the front.
  ///
  /// - Throws: `invalidConfiguration` if the weights lack one.
  func places(in shape: Shape) throws(CairnError) -> [Int] {
    let axes: [Int]?
    switch self {
    case .nonNegative: return []
    case .maximumNorm(_, let given), .unitNorm(let given), .norm(_, _, _, let given): axes = given
    }
    guard let axes else { return Array(0..<shape.rank) }
    let places = axes.compactMap { BatchShape(shape).axis($0) }
    guard places.count == axes.count else {
      throw CairnError(
        .invalidConfiguration, "a constraint is along dimensions that the weight lacks",
        expected: "\(axes)", found: "\(shape)")
    }
    return Set(places).sorted()
  }

  /// The weights, changed to meet the constraint.
  func applied(to weights: Tensor) throws(CairnError) -> Tensor {
    try Precision(for: weights.dtype).run(Application(constraint: self, weights: weights))
  }

  private struct Application: FloatWork {
    let constraint: WeightConstraint
    let weights: Tensor

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      try constraint.applied(to: weights, as: type)
    }
  }

  private func applied<Scalar: FloatScalar>(
    to weights: Tensor, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    guard self != .nonNegative else {
      return try weights.mapped { (x: Scalar) in x < 0 ? 0 : x + 0 }
    }
    let array = try FloatArray<Scalar>(weights)
    let factors = array.reduced(try places(in: weights.shape), keepingDimensions: true) { run in
      factor(forLength: run.reduce(0) { $0 + $1 * $1 }.squareRoot())
    }
    let isQuotient = if case .unitNorm = self { true } else { false }
    // No limits: the weights exist already, so they are not too large.
    let context = EvaluationContext(maximumElementCount: .max, maximumHeldElementCount: .max)
    return try array.combined(with: factors, in: context) {
      isQuotient ? $0 / $1 : $0 * $1
    }.tensor()
  }

  /// What a run of that length is multiplied by, or for ``unitNorm(axes:)`` divided by.
  private func factor<Scalar: FloatScalar>(forLength length: Scalar) -> Scalar {
    // Keras's `backend.epsilon()`.
    let whole = 1e-7 + length
    switch self {
    case .nonNegative: return 1
    case .unitNorm: return whole
    case .maximumNorm(let most, _): return Self.clip(length, 0, Scalar(most)) / whole
    case .norm(let least, let most, let rate, _):
      let clipped = Self.clip(length, Scalar(least), Scalar(most))
      return (Scalar(rate) * clipped + Scalar(1 - rate) * length) / whole
    }
  }

  private static func clip<Scalar: FloatScalar>(
    _ x: Scalar, _ low: Scalar, _ high: Scalar
  ) -> Scalar { x < low ? low : x > high ? high : x }
}

/// The constraints of a layer and all layers within it, weight by weight.
struct ConstrainedWeights {
  private var constraints: [ObjectIdentifier: WeightConstraint] = [:]

  /// The constraint of a weight, or nil.
  subscript(_ weight: Variable) -> WeightConstraint? { constraints[ObjectIdentifier(weight)] }

  /// Reads the constraints from the layers' configurations.
  ///
  /// - Throws: `unsupportedConfiguration`, `invalidConfiguration`, each with the layer and the key.
  init(of layer: any Layer) throws(CairnError) {
    for part in [layer] + layer.allSublayers() {
      for (key, value) in part.settings where key.hasSuffix("_constraint") && !value.isNull {
        let path = "\(part.name).\(key)"
        guard let constraint = try WeightConstraint.read(value, at: path) else { continue }
        for weight in Self.weights(of: part, called: String(key.dropLast("_constraint".count))) {
          _ = try located(at: path) { () throws(CairnError) in
            try constraint.places(in: weight.shape)
          }
          // A weight in several places has the constraint of the first, where Keras makes it.
          if self[weight] == nil { constraints[ObjectIdentifier(weight)] = constraint }
        }
      }
    }
  }

  /// The weights that a layer's key is about: its own, or those of the cell or the projections that
  /// it is made of.
  private static func weights(of layer: any Layer, called name: String) -> [Variable] {
    // `depthwise_constraint` is for the only kernel of a depthwise convolution.
    var names = [name, "\(name)_kernel"]
    if name == "depthwise", layer.state.variable("kernel") != nil { names.append("kernel") }
    return ([layer] + layer.sublayers).flatMap { part in
      part.state.variables.filter { names.contains($0.name) }.map(\.variable)
    }
  }
}
