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
    oneOperand("Abs", .absolute), oneOperand("Trunc", .truncation),
    oneOperand("Tan", .elementary(.tan)), oneOperand("Sinh", .elementary(.sinh)),
    oneOperand("Cosh", .elementary(.cosh)), oneOperand("Arcsin", .elementary(.asin)),
    oneOperand("Arccos", .elementary(.acos)), oneOperand("Arctan", .elementary(.atan)),
    oneOperand("Arcsinh", .elementary(.asinh)), oneOperand("Arccosh", .elementary(.acosh)),
    oneOperand("Arctanh", .elementary(.atanh)), oneOperand("Log2", .elementary(.log2)),
    oneOperand("Log10", .elementary(.log10)), oneOperand("Exp2", .elementary(.exp2)),
    oneOperand("Cbrt", .elementary(.cbrt)),
    oneOperand("Deg2rad", .degreesToRadians), oneOperand("Rad2deg", .radiansToDegrees),
    oneOperand("Erf", module: "math", .elementary(.erf)),
    oneOperand("Erfc", module: "math", .elementary(.erfc)),
    kind("numpy", "Round") { (reader) throws(CairnError) in
      UnaryRule(
        function: .round(decimals: try reader.integer("decimals", in: -38...38, default: 0)))
    },
    kind("numpy", "NanToNum") { (reader) throws(CairnError) in
      UnaryRule(
        function: .numbers(
          nan: try reader.double("nan", default: 0), high: try reader.optionalDouble("posinf"),
          low: try reader.optionalDouble("neginf")))
    },
    twoOperands("Arctan2", .elementary(.atan2)), twoOperands("Hypot", .elementary(.hypot)),
    twoOperands("Fmod", .elementary(.fmod)), twoOperands("DivideNoNan", .safeQuotient),
    twoOperands("Logaddexp", .logarithmOfSum),
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
      UnaryRule(function: .celu(alpha: try reader.double("alpha", default: 1)))
    },
    kind("nn", "SoftShrink") { (reader) throws(CairnError) in
      UnaryRule(function: .softShrink(limit: try reader.double("threshold", default: 0.5)))
    },
    kind("nn", "HardShrink") { (reader) throws(CairnError) in
      UnaryRule(function: .hardShrink(limit: try reader.double("threshold", default: 0.5)))
    },
    kind("nn", "Threshold") { (reader) throws(CairnError) in
      UnaryRule(
        function: .threshold(
          limit: try reader.double("threshold", default: 0),
          other: try reader.double("default_value", default: 0)))
    },
    kind("nn", "Squareplus") { (reader) throws(CairnError) in
      UnaryRule(function: .squareplus(b: try reader.double("b", default: 4)))
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
