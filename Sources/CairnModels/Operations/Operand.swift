// What an operation is called with: tensors, numbers, and arrays that stand in the configuration
// (`__tensor__`, `__numpy__`, lists). Keras `saving/serialization_lib.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A number or an array that stands in a configuration.
struct ConstantOperand: Sendable {
  /// The elements; those of a lone float in double precision.
  let tensor: Tensor
  /// What it counts as where types meet.
  let type: OperandType

  /// The constant of a configuration's value, or nil if it is none.
  init?(_ value: JSONValue) throws(CairnError) {
    switch value {
    case .bool(let flag): (tensor, type) = (try Tensor(scalar: flag), .strong(.bool))
    case .integer(let number): (tensor, type) = (try Tensor(scalar: number), .integer)
    case .double(let number): (tensor, type) = (try Tensor(scalar: number), .float)
    case .array:
      // Lists become tensors as TensorFlow makes them: of int32, or float32.
      guard let list = NumberList(value) else { return nil }
      let dtype: DType = list.isBool ? .bool : list.isWhole ? .int32 : .float32
      (tensor, type) = (try list.tensor(dtype), .strong(dtype))
    case .object:
      guard let kind = value["class_name"]?.stringValue,
        ["__tensor__", "__numpy__"].contains(kind), let config = value["config"],
        let dtype = DType(name: config["dtype"]?.stringValue ?? "float32"),
        dtype.isPlainNumber, let list = NumberList(config["value"] ?? .null)
      else { return nil }
      (tensor, type) = (try list.tensor(dtype), .strong(dtype))
    default: return nil
    }
  }

  /// The type where numbers do not give way: int32 for a whole number, float32 for a float.
  var ownType: DType {
    switch type {
    case .strong(let dtype): dtype
    case .integer: .int32
    case .float: .float32
    }
  }
}

/// Numbers in nested lists of one shape.
private struct NumberList {
  var shape: [Int]
  var numbers: [JSONValue] = []

  /// Nil for a value that is not such a list.
  init?(_ value: JSONValue) {
    var shape: [Int] = []
    var next = value
    while let elements = next.arrayValue {
      guard shape.count < Shape.maximumRank else { return nil }
      shape.append(elements.count)
      guard let first = elements.first else { break }
      next = first
    }
    self.shape = shape
    guard collect(value, depth: 0) else { return nil }
  }

  private mutating func collect(_ value: JSONValue, depth: Int) -> Bool {
    guard depth < shape.count else {
      guard value.doubleValue != nil || value.boolValue != nil else { return false }
      numbers.append(value)
      return true
    }
    guard let elements = value.arrayValue, elements.count == shape[depth] else { return false }
    return elements.allSatisfy { collect($0, depth: depth + 1) }
  }

  var isBool: Bool { !numbers.isEmpty && numbers.allSatisfy { $0.boolValue != nil } }
  var isWhole: Bool {
    !numbers.isEmpty && numbers.allSatisfy { $0.intValue != nil || $0.boolValue != nil }
  }

  func tensor(_ dtype: DType) throws(CairnError) -> Tensor {
    let shape = try Shape(shape)
    guard dtype.isWhole else {
      let values = numbers.map { $0.doubleValue ?? ($0.boolValue == true ? 1 : 0) }
      return try Tensor(values, shape: shape).cast(to: dtype)
    }
    var values: [Int64] = []
    for number in numbers {
      switch number {
      case .bool(let flag): values.append(flag ? 1 : 0)
      case .integer(let whole): values.append(whole)
      case .unsigned(let whole): values.append(Int64(truncatingIfNeeded: whole))
      default: values.append(number.doubleValue.flatMap { Int64(exactly: $0) } ?? 0)
      }
    }
    return try Tensor(values, shape: shape).cast(to: dtype)
  }
}

extension CallArgument {
  /// A constant that stands for an operand.
  ///
  /// - Throws: `unsupportedConfiguration` for what is neither a tensor nor numbers.
  fileprivate func constant() throws(CairnError) -> ConstantOperand {
    guard let value = plain, let constant = try ConstantOperand(value) else {
      throw CairnError(
        .unsupportedConfiguration, "an operation is called with what is no tensor and no numbers",
        found: plain.map { ConfigurationReader.excerpt($0) } ?? "a list")
    }
    return constant
  }
}

extension CallArgument<TensorSpec> {
  /// Shape and type of an operand; a number counts as a scalar.
  func operandSpec() throws(CairnError) -> (shape: [Int?], type: OperandType, own: DType) {
    if case .tensor(let spec) = self {
      return (spec.shape.dimensions, .strong(spec.dtype), spec.dtype)
    }
    let constant = try constant()
    return (constant.tensor.shape.dimensions, constant.type, constant.ownType)
  }

  /// Shape and type like those of a tensor, where numbers do not give way.
  func strongSpec() throws(CairnError) -> TensorSpec {
    let (shape, _, own) = try operandSpec()
    return TensorSpec(try BatchShape(shape), dtype: own)
  }
}

extension CallArgument<MaskedTensor> {
  /// The operand in a type; numbers are rounded to it once.
  func operandTensor(_ dtype: DType) throws(CairnError) -> Tensor {
    if case .tensor(let value) = self { return try value.tensor.cast(to: dtype) }
    return try constant().tensor.cast(to: dtype)
  }

  /// The operand as a tensor, where numbers do not give way.
  func strongTensor() throws(CairnError) -> Tensor {
    if case .tensor(let value) = self { return value.tensor }
    let constant = try constant()
    return try constant.tensor.cast(to: constant.ownType)
  }
}

extension CallArgument {
  /// The elements of a list of operands, or the only operand.
  var elements: [CallArgument] {
    switch self {
    case .list(let elements): elements
    case .value(.array(let values)): values.map { .value($0) }
    default: [self]
    }
  }
}

/// The shape that shapes broadcast to, as in NumPy.
///
/// - Throws: `shapeMismatch` if they don't go together.
func broadcast(_ shapes: [[Int?]]) throws(CairnError) -> BatchShape {
  var result: [Int?] = []
  for shape in shapes {
    let rank = max(result.count, shape.count)
    let a = [Int?](repeating: 1, count: rank - result.count) + result
    let b = [Int?](repeating: 1, count: rank - shape.count) + shape
    var merged: [Int?] = []
    for (x, y) in zip(a, b) {
      guard x == 1 || y == 1 || x == nil || y == nil || x == y else {
        throw CairnError(
          .shapeMismatch, "the shapes cannot be broadcast to one another",
          found: "\(result) and \(shape)")
      }
      merged.append(x == 1 ? y : y == 1 ? x : x ?? y)
    }
    result = merged
  }
  return try BatchShape(result)
}
