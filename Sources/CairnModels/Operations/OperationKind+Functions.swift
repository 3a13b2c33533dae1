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
    oneOperand("Abs", .absolute, .kept), oneOperand("Fabs", .absolute),
    oneOperand("Trunc", .truncation, .kept), oneOperand("Sinc", .sinc),
    oneOperand("Tan", .elementary(.tan)), oneOperand("Sinh", .elementary(.sinh)),
    oneOperand("Cosh", .elementary(.cosh)), oneOperand("Arcsin", .elementary(.asin)),
    oneOperand("Arccos", .elementary(.acos)), oneOperand("Arctan", .elementary(.atan)),
    oneOperand("Arcsinh", .elementary(.asinh)), oneOperand("Arccosh", .elementary(.acosh)),
    oneOperand("Arctanh", .elementary(.atanh)), oneOperand("Log2", .elementary(.log2)),
    oneOperand("Log10", .elementary(.log10)), oneOperand("Exp2", .elementary(.exp2)),
    oneOperand("Cbrt", .elementary(.cbrt), .wideFloat),
    oneOperand("Deg2rad", .degreesToRadians, .wideFloat),
    oneOperand("Rad2deg", .radiansToDegrees, .wideFloat),
    oneOperand("Erf", module: "math", .elementary(.erf)),
    oneOperand("Erfc", module: "math", .elementary(.erfc)),
    kind("numpy", "Round") { (reader) throws(CairnError) in
      UnaryRule(
        function: .round(decimals: try reader.integer("decimals", in: -38...38, default: 0)),
        whole: .kept)
    },
    kind("numpy", "NanToNum") { (reader) throws(CairnError) in
      UnaryRule(
        function: .numbers(
          nan: try reader.double("nan", default: 0), high: try reader.optionalDouble("posinf"),
          low: try reader.optionalDouble("neginf")), whole: .kept)
    },
    twoOperands("Arctan2", .elementary(.atan2), .strongFloat),
    twoOperands("Hypot", .elementary(.hypot), .strongWideFloat),
    twoOperands("Heaviside", .step, .strongWideFloat),
    twoOperands("Fmod", .elementary(.fmod), .strong),
    twoOperands("DivideNoNan", .safeQuotient, .float),
    twoOperands("Logaddexp", .logarithmOfSum, .strongFloat),
    twoOperands("Logaddexp2", .binaryLogarithmOfSum, .strongFloat),
    kind("numpy", "Isclose") { (reader) throws(CairnError) in
      ComparisonRule(
        relation: .close(
          relative: 1e-5, absolute: 1e-8, equalNaN: try reader.bool("equal_nan", default: false)))
    },
    kind("numpy", "Copy") { _ in IdentityRule() },
    kind("core", "StopGradient") { _ in IdentityRule() },
    filled("ZerosLike", 0), filled("EmptyLike", 0), filled("OnesLike", 1), filled("FullLike", nil),
  ]

  private static func filled(_ name: String, _ value: Double?) -> OperationKind {
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
    oneNumber("Celu", "alpha", 1) { .celu(alpha: $0) },
    oneNumber("SoftShrink", "threshold", 0.5) { .softShrink(limit: $0) },
    oneNumber("HardShrink", "threshold", 0.5) { .hardShrink(limit: $0) },
    kind("nn", "Threshold") { (reader) throws(CairnError) in
      UnaryRule(
        function: .threshold(
          limit: try reader.double("threshold", default: 0),
          other: try reader.double("default_value", default: 0)))
    },
    oneNumber("Squareplus", "b", 4) { .squareplus(b: $0) },
    kind("nn", "Glu") { (reader) throws(CairnError) in
      RunRule(
        axis: try reader.axisIndex("axis"),
        results: [RunRule.Result(length: Self.half)],
        function: { run in
          let half = run.count / 2
          return [(0..<half).map { run[$0] / (1 + exp(-run[half + $0])) }]
        })
    },
    kind("nn", "Normalize") { (reader) throws(CairnError) in
      let axis = try reader.axisIndex("axis")
      let order = try reader.double("order", default: 2)
      let epsilon = try reader.optionalDouble("epsilon") ?? 1e-7
      guard order > 0 else { throw reader.invalid("order", expected: "a number above 0") }
      return RunRule(
        axis: axis, whole: .float,
        function: { run in
          let sum = run.reduce(0) { $0 + pow(abs($1), order) }
          let norm = max(pow(sum, 1 / order), epsilon)
          return [run.map { $0 / norm }]
        })
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
    predicate("LogicalNot") { $0 == 0 }, predicate("Isnan") { $0.isNaN },
    predicate("Isinf") { $0.isInfinite }, predicate("Isfinite") { $0.isFinite },
    predicate("Isposinf") { $0 == .infinity }, predicate("Isneginf") { $0 == -.infinity },
    predicate("Isreal") { _ in true }, predicate("Signbit") { $0.sign == .minus && !$0.isNaN },
  ]

  /// Operations on the bits of integers.
  static let bits: [OperationKind] = [
    twoOperands("BitwiseAnd", .and), twoOperands("BitwiseOr", .or),
    twoOperands("BitwiseXor", .exclusiveOr),
    twoOperands("BitwiseLeftShift", .leftShift), twoOperands("LeftShift", .leftShift),
    twoOperands("BitwiseRightShift", .rightShift), twoOperands("RightShift", .rightShift),
    oneOperand("BitwiseInvert", .inverse, .kept), oneOperand("BitwiseNot", .inverse, .kept),
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
