// The operations that a configuration may name: functions of each element, and logic.

import CairnJSON
import CairnSystem
import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension OperationKind {
  static let functions: [OperationKind] = [
    oneOperand("Abs") { abs($0) }, oneOperand("Tan") { tanf($0) },
    oneOperand("Sinh") { sinhf($0) }, oneOperand("Cosh") { coshf($0) },
    oneOperand("Arcsin") { asinf($0) }, oneOperand("Arccos") { acosf($0) },
    oneOperand("Arctan") { atanf($0) }, oneOperand("Arcsinh") { asinhf($0) },
    oneOperand("Arccosh") { acoshf($0) }, oneOperand("Arctanh") { atanhf($0) },
    oneOperand("Log2") { log2f($0) }, oneOperand("Log10") { log10f($0) },
    oneOperand("Exp2") { exp2f($0) }, oneOperand("Cbrt") { cbrtf($0) },
    oneOperand("Trunc") { $0.rounded(.towardZero) },
    oneOperand("Deg2rad") { $0 * (Float.pi / 180) },
    oneOperand("Rad2deg") { $0 * (180 / Float.pi) },
    oneOperand("Erf", module: "math") { erff($0) },
    oneOperand("Erfc", module: "math") { erfcf($0) },
    kind("numpy", "Round") { (reader) throws(CairnError) in
      let factor = powf(10, Float(try reader.integer("decimals", in: -38...38, default: 0)))
      return UnaryRule { ($0 * factor).rounded(.toNearestOrEven) / factor }
    },
    kind("numpy", "NanToNum") { (reader) throws(CairnError) in
      let nan = Float(try reader.double("nan", default: 0))
      let high = try reader.optionalDouble("posinf").map { Float($0) } ?? .greatestFiniteMagnitude
      let low = try reader.optionalDouble("neginf").map { Float($0) } ?? -.greatestFiniteMagnitude
      return UnaryRule { $0.isNaN ? nan : $0 == .infinity ? high : $0 == -.infinity ? low : $0 }
    },
    twoOperands("Arctan2") { atan2f($0, $1) }, twoOperands("Hypot") { hypotf($0, $1) },
    twoOperands("Fmod") { fmodf($0, $1) },
    twoOperands("DivideNoNan") { $1 == 0 ? 0 : $0 / $1 },
    twoOperands("Logaddexp") { x, y in
      x == y ? x + logf(2) : max(x, y) + log1pf(expf(-abs(x - y)))
    },
    kind("numpy", "Copy") { _ in IdentityRule() },
    kind("core", "StopGradient") { _ in IdentityRule() },
    filled("ZerosLike", 0), filled("OnesLike", 1),
  ]

  private static func filled(_ name: String, _ value: Double) -> OperationKind {
    kind("numpy", name) { (reader) throws(CairnError) in
      FillRule(value: value, dtype: try reader.optionalType("dtype"))
    }
  }

  /// Activation functions with numbers of their own.
  static let parametrised: [OperationKind] = [
    activation("SparsePlus", .sparsePlus), activation("SparseSigmoid", .sparseSigmoid),
    activation("TanhShrink", .tanhShrink), activation("HardTanh", .hardTanh),
    kind("nn", "Sparsemax") { (reader) throws(CairnError) in
      ActivationRule(function: .sparsemax, axis: try reader.integer("axis", default: -1))
    },
    kind("nn", "Celu") { (reader) throws(CairnError) in
      let alpha = Float(try reader.double("alpha", default: 1))
      return UnaryRule { max(0, $0) + min(0, alpha * expm1f(min(0, $0) / alpha)) }
    },
    kind("nn", "SoftShrink") { (reader) throws(CairnError) in
      let limit = Float(try reader.double("threshold", default: 0.5))
      return UnaryRule { $0 > limit ? $0 - limit : $0 < -limit ? $0 + limit : 0 }
    },
    kind("nn", "HardShrink") { (reader) throws(CairnError) in
      let limit = Float(try reader.double("threshold", default: 0.5))
      return UnaryRule { abs($0) > limit ? $0 : 0 }
    },
    kind("nn", "Threshold") { (reader) throws(CairnError) in
      let limit = Float(try reader.double("threshold", default: 0))
      let other = Float(try reader.double("default_value", default: 0))
      return UnaryRule { $0 > limit ? $0 : other }
    },
    kind("nn", "Squareplus") { (reader) throws(CairnError) in
      let b = Float(try reader.double("b", default: 4))
      return UnaryRule { 0.5 * ($0 + ($0 * $0 + b).squareRoot()) }
    },
    kind("nn", "Glu") { (reader) throws(CairnError) in
      RunRule(
        axis: try reader.axisIndex("axis"),
        results: [RunRule.Result(length: Self.half)]
      ) { run in
        let half = run.count / 2
        return [(0..<half).map { run[$0] / (1 + exp(-run[half + $0])) }]
      }
    },
    kind("nn", "Normalize") { (reader) throws(CairnError) in
      let axis = try reader.axisIndex("axis")
      let order = try reader.double("order", default: 2)
      let epsilon = try reader.optionalDouble("epsilon") ?? 1e-7
      guard order > 0 else { throw reader.invalid("order", expected: "a number above 0") }
      return RunRule(axis: axis) { run in
        let sum = run.reduce(0) { $0 + pow(abs($1), order) }
        let norm = max(pow(sum, 1 / order), epsilon)
        return [run.map { $0 / norm }]
      }
    },
  ]

  @Sendable private static func half(_ length: Int) throws(CairnError) -> Int {
    guard length % 2 == 0 else {
      throw CairnError(
        .shapeMismatch, "a dimension cannot be halved", expected: "an even length",
        found: "\(length)")
    }
    return length / 2
  }

  static let predicates: [OperationKind] = [
    comparison("LogicalAnd") { $0 != 0 && $1 != 0 }, comparison("LogicalOr") { $0 != 0 || $1 != 0 },
    comparison("LogicalXor") { ($0 != 0) != ($1 != 0) },
    predicate("LogicalNot") { $0 == 0 }, predicate("Isnan") { $0.isNaN },
    predicate("Isinf") { $0.isInfinite }, predicate("Isfinite") { $0.isFinite },
  ]

  private static func predicate(
    _ name: String, _ function: @escaping @Sendable (Double) -> Bool
  ) -> OperationKind { kind("numpy", name) { _ in PredicateRule(function: function) } }
}

extension ConfigurationReader {
  /// The name of an element type, or nil.
  mutating func optionalType(_ key: String) throws(CairnError) -> DType? {
    guard has(key), let name = try optionalString(key) else { return nil }
    guard let type = DType(name: name) else {
      throw invalid(key, expected: "the name of an element type")
    }
    return type
  }
}
