// Which element type an operation computes in. Keras `backend/common/dtypes.py`: the lattice of JAX, with
// Python's own numbers as weak types.

import CairnSystem
import CairnTensors

/// What an operand counts as where types meet.
enum OperandType: Hashable, Sendable {
  /// A tensor's type, which does not give way.
  case strong(DType)
  /// A whole number or a float of the configuration: Python's, which gives way to a tensor's type.
  case integer, float
}

/// The rules by which types meet.
enum Promotion {
  /// For each type those that are directly above it: nothing is ever narrower than what it came from.
  private static let above: [OperandType: [OperandType]] = [
    .strong(.bool): [.integer],
    .integer: [.strong(.uint8), .strong(.int8)],
    .strong(.uint8): [.strong(.int16), .strong(.uint16)],
    .strong(.uint16): [.strong(.int32), .strong(.uint32)],
    .strong(.uint32): [.strong(.int64), .strong(.uint64)],
    .strong(.uint64): [.float],
    .strong(.int8): [.strong(.int16)],
    .strong(.int16): [.strong(.int32)],
    .strong(.int32): [.strong(.int64)],
    .strong(.int64): [.float],
    .float: [.strong(.bfloat16), .strong(.float16)],
    .strong(.bfloat16): [.strong(.float32)],
    .strong(.float16): [.strong(.float32)],
    .strong(.float32): [.strong(.float64)],
    .strong(.float64): [],
  ]

  /// For each type itself and all that are above it.
  private static let bounds: [OperandType: Set<OperandType>] = {
    var bounds: [OperandType: Set<OperandType>] = [:]
    for type in above.keys {
      var reached: Set<OperandType> = [type]
      var open = [type]
      while let next = open.popLast() {
        for other in above[next] ?? [] where reached.insert(other).inserted { open.append(other) }
      }
      bounds[type] = reached
    }
    return bounds
  }()

  /// The least type that all of them fit.
  ///
  /// - Throws: `dtypeMismatch` for a type that is not a plain number's: strings, 8-bit floats,
  ///   complex ones.
  static func result(_ types: [OperandType]) throws(CairnError) -> DType {
    guard let first = types.first, !types.contains(where: { bounds[$0] == nil }) else {
      let names = types.map { type in
        if case .strong(let dtype) = type { "\(dtype)" } else { "a number" }
      }
      throw CairnError(
        .dtypeMismatch, "an operation cannot compute with operands of such types",
        expected: "bool, integers and floats", found: names.joined(separator: ", "))
    }
    var common = bounds[first] ?? []
    for type in types.dropFirst() { common.formIntersection(bounds[type] ?? []) }
    let least = common.first { candidate in common.isSubset(of: bounds[candidate] ?? []) }
    switch least ?? .strong(.float32) {
    case .strong(let dtype): return dtype
    case .integer: return .int32
    case .float: return .float32
    }
  }

  /// The least type that all of them fit, of tensors alone.
  static func result(_ types: [DType]) throws(CairnError) -> DType {
    try result(types.map { .strong($0) })
  }

  /// The type in which an operation that knows only floats computes: integers become float32.
  static func float(_ types: [OperandType]) throws(CairnError) -> DType {
    try result(types + [.float])
  }
}

extension DType {
  /// Whether elements are computed with as whole numbers: integers, and bools as 0 and 1.
  var isWhole: Bool { self == .bool || isInteger }

  /// Whether this is one of the types that operations compute with.
  var isPlainNumber: Bool { isWhole || isPlainFloat }
}
