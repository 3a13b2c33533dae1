// The operations that a configuration may name, and how each is made.

import CairnJSON
import CairnSystem
import CairnTensors

extension OperationKind {
  /// All of them.
  static let all: [OperationKind] =
    unary + functions + activations + parametrised + binary + comparisons + predicates
    + reductions + counts + shapes + selections + choices + orders + products + bits
    + rearrangements + statistics + normalizations

  static func kind(
    _ module: String, _ name: String,
    _ make:
      @escaping @Sendable (inout ConfigurationReader) throws(CairnError) -> any MultipleResultRule
  ) -> OperationKind { OperationKind(module: "keras.src.ops.\(module)", name: name, make: make) }

  static func oneOperand(
    _ name: String, module: String = "numpy", _ function: UnaryFunction,
    _ whole: UnaryRule.Whole = .float
  ) -> OperationKind {
    kind(module, name) { _ in UnaryRule(function: function, whole: whole) }
  }

  private static let unary: [OperationKind] = [
    oneOperand("Negative", .negative, .kept), oneOperand("Absolute", .absolute, .kept),
    oneOperand("Square", .square, .keptNumbers), oneOperand("Sqrt", .squareRoot),
    oneOperand("Exp", .elementary(.exp)), oneOperand("Log", .elementary(.log)),
    oneOperand("Log1p", .elementary(.log1p)), oneOperand("Expm1", .elementary(.expm1)),
    oneOperand("Sin", .elementary(.sin)), oneOperand("Cos", .elementary(.cos)),
    oneOperand("Tanh", .elementary(.tanh)), oneOperand("Sign", .sign, .kept),
    oneOperand("Floor", .floor), oneOperand("Ceil", .ceiling),
    oneOperand("Reciprocal", .reciprocal),
    oneOperand("Rsqrt", module: "math", .reciprocalSquareRoot),
    kind("numpy", "Clip") { (reader) throws(CairnError) in
      UnaryRule(
        function: .clip(
          try reader.bound("x_min", default: -.infinity),
          try reader.bound("x_max", default: .infinity)), whole: .keptNumbers)
    },
  ]

  static func activation(
    _ name: String, _ function: ActivationFunction
  ) -> OperationKind { kind("nn", name) { _ in ActivationRule(function: function) } }

  /// A function of rows along an axis, or of all elements as one row.
  private static func rows(
    _ function: ActivationFunction, _ reader: inout ConfigurationReader
  ) throws(CairnError) -> ActivationRule {
    if reader.has("axis"), reader.peek("axis") == nil {
      _ = try reader.optionalAxis("axis")
      return ActivationRule(function: function, isFlat: true)
    }
    return ActivationRule(function: function, axis: try reader.integer("axis", default: -1))
  }

  private static let activations: [OperationKind] = [
    activation("Relu", .relu), activation("Relu6", .relu6), activation("Sigmoid", .sigmoid),
    activation("Softplus", .softplus), activation("Softsign", .softsign),
    activation("Silu", .silu), activation("LogSigmoid", .logSigmoid),
    activation("HardSigmoid", .hardSigmoid), activation("HardSilu", .hardSiLU),
    activation("Selu", .selu),
    kind("nn", "Softmax") { (reader) throws(CairnError) in
      try rows(.softmax, &reader)
    },
    kind("nn", "LogSoftmax") { (reader) throws(CairnError) in
      try rows(.logSoftmax, &reader)
    },
    kind("nn", "Gelu") { (reader) throws(CairnError) in
      if try reader.bool("approximate", default: true) {
        return UnaryRule(function: .approximateGELU)
      }
      return ActivationRule(function: .gelu)
    },
    oneNumber("LeakyRelu", "negative_slope", 0.2) { .leakyReLU(slope: $0) },
    oneNumber("Elu", "alpha", 1) { .elu(alpha: $0) },
  ]

  /// An activation function with a number of its own.
  static func oneNumber(
    _ name: String, _ key: String, _ fallback: Double,
    _ function: @escaping @Sendable (Double) -> UnaryFunction
  ) -> OperationKind {
    kind("nn", name) { (reader) throws(CairnError) in
      UnaryRule(function: function(try reader.double(key, default: fallback)))
    }
  }

  static func twoOperands(
    _ name: String, _ function: BinaryFunction, _ meeting: BinaryRule.Meeting = .plain
  ) -> OperationKind {
    kind("numpy", name) { _ in BinaryRule(function: function, meeting: meeting) }
  }

  private static let binary: [OperationKind] = [
    twoOperands("Add", .sum), twoOperands("Subtract", .difference),
    twoOperands("Multiply", .product),
    twoOperands("TrueDivide", .quotient, .float), twoOperands("Divide", .quotient, .float),
    twoOperands("FloorDivide", .floorQuotient), twoOperands("Mod", .remainder, .strong),
    twoOperands("Power", .elementary(.pow)),
    twoOperands("Maximum", .largest), twoOperands("Minimum", .smallest),
    twoOperands("Fmax", .largestNumber), twoOperands("Fmin", .smallestNumber),
  ]

  static func comparison(
    _ name: String, _ relation: ComparisonRule.Relation
  ) -> OperationKind { kind("numpy", name) { _ in ComparisonRule(relation: relation) } }

  private static let comparisons: [OperationKind] = [
    comparison("Equal", .equal), comparison("NotEqual", .notEqual),
    comparison("Greater", .greater), comparison("GreaterEqual", .greaterEqual),
    comparison("Less", .less), comparison("LessEqual", .lessEqual),
    comparison("LogicalAnd", .and), comparison("LogicalOr", .or),
    comparison("LogicalXor", .exclusiveOr),
  ]

  static func reduction(
    _ name: String, _ function: RunFunction
  ) -> OperationKind {
    kind("numpy", name) { (reader) throws(CairnError) in
      try ReductionRule(reading: &reader, function)
    }
  }

  private static let reductions: [OperationKind] = [
    reduction("Sum", .sum), reduction("Mean", .mean), reduction("Prod", .product),
    reduction("Max", .largest), reduction("Min", .smallest),
    reduction("Var", .variance), reduction("Std", .deviation),
  ]

  private static let shapes: [OperationKind] = [
    kind("numpy", "Reshape") { (reader) throws(CairnError) in
      let single = reader.peek("newshape")?.intValue
      var target = single.map { [$0] }
      if target == nil { target = try reader.optionalIntegers("newshape") }
      guard let target, target.filter({ $0 == -1 }).count <= 1,
        target.allSatisfy({ (-1..<Shape.dimensionLimit).contains($0) })
      else { throw reader.invalid("newshape", expected: "dimensions, at most one of them -1") }
      if single != nil { reader.record("newshape", reader.take("newshape") ?? .null) }
      return ReshapeRule(target: target)
    },
    kind("numpy", "Transpose") { (reader) throws(CairnError) in
      TransposeRule(order: .all(try reader.optionalIntegers("axes")))
    },
    kind("numpy", "Swapaxes") { (reader) throws(CairnError) in
      TransposeRule(
        order: .swapped(try reader.axisIndex("axis1"), try reader.axisIndex("axis2")))
    },
    kind("numpy", "ExpandDims") { (reader) throws(CairnError) in
      DimensionRule(change: .insert, axes: try reader.axes("axis", default: [0]))
    },
    kind("numpy", "Squeeze") { (reader) throws(CairnError) in
      guard reader.peek("axis") != nil else {
        return DimensionRule(change: .remove, axes: try reader.optionalIntegers("axis"))
      }
      return DimensionRule(change: .remove, axes: try reader.axes("axis", default: []))
    },
    kind("numpy", "Concatenate") { (reader) throws(CairnError) in
      JoinRule(axis: try reader.axisIndex("axis"), isNew: false)
    },
    kind("numpy", "Stack") { (reader) throws(CairnError) in
      JoinRule(axis: try reader.axisIndex("axis"), isNew: true)
    },
    kind("numpy", "GetItem") { _ in ItemRule() },
    kind("core", "Cast") { (reader) throws(CairnError) in
      guard let dtype = DType(name: try reader.string("dtype")) else {
        throw reader.invalid("dtype", expected: "the name of an element type")
      }
      return CastRule(dtype: dtype)
    },
    kind("core", "ConvertToTensor") { (reader) throws(CairnError) in
      for key in ["sparse", "ragged"] where reader.take(key)?.boolValue == true {
        throw reader.unsupported(key, "sparse and ragged tensors are not implemented")
      }
      for key in ["sparse", "ragged"] { reader.record(key, reader.raw[key] ?? .null) }
      return IdentityRule(dtype: try reader.optionalType("dtype"))
    },
    kind("numpy", "Array") { (reader) throws(CairnError) in
      IdentityRule(dtype: try reader.optionalType("dtype"))
    },
  ]

  private static let products: [OperationKind] = [
    kind("numpy", "Matmul") { _ in MatmulRule() },
    kind("numpy", "Einsum") { (reader) throws(CairnError) in try EinsumRule(reading: &reader) },
  ]
}

extension ConfigurationReader {
  /// A number, which may be infinite, or the default.
  mutating func bound(_ key: String, default fallback: Double) throws(CairnError) -> Double {
    try read(key, expected: "a number") { $0.doubleValue.flatMap { $0.isNaN ? nil : $0 } }
      ?? fallback
  }

  /// An axis, counted from either end.
  mutating func axisIndex(_ key: String) throws(CairnError) -> Int {
    try integer(key, in: -Shape.maximumRank...Shape.maximumRank, default: key == "axis" ? -1 : nil)
  }
}
