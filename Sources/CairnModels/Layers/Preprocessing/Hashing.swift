// Keras `layers/preprocessing/hashing.py`, `hashed_crossing.py`: texts and whole numbers turned
// into one of a given number of places by a hash.

import CairnJSON
import CairnSystem
import CairnTensors

extension ConfigurationReader {
  /// The element type of a layer's output: whole numbers where places come out, else floats. It is
  /// recorded as it was given.
  ///
  /// Other layers do not have policies of whole numbers.
  fileprivate mutating func placeDType(_ mode: PlaceEncoding) throws(CairnError) -> DType {
    let value = take("dtype")
    let name = value?.stringValue ?? value?["config"]?["name"]?.stringValue
    record("dtype", value ?? (mode == .int ? "int64" : "float32"))
    guard let value else { return mode == .int ? .int64 : .float32 }
    guard mode != .int else {
      guard let dtype = name.flatMap({ DType(name: $0) }), dtype == .int64 || dtype == .int32 else {
        throw invalid("dtype", expected: "int32 or int64")
      }
      return dtype
    }
    guard let name, value.stringValue != nil || value["class_name"]?.stringValue == "DTypePolicy"
    else { throw invalid("dtype", expected: "a policy of floats") }
    return try DTypePolicy(name).variableDType
  }
}

/// Turns texts and whole numbers into places by a hash; Keras's `Hashing`. No variables.
package final class Hashing: TypedLayer, ConfiguredLayer {
  static let kind = LayerKind("Hashing", castsFloats: false)

  let core: LayerState
  private let count: Int
  private let mode: PlaceEncoding
  let outputDType: DType
  private let hash: BucketHash
  private let mask: JSONValue?

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    count = try reader.integer("num_bins", in: 1...1 << 40)
    mode = try reader.placeEncoding(default: .int)
    guard mode != .tfIDF else { throw reader.invalid("output_mode", expected: "no weights") }
    hash = try reader.salt()
    mask = reader.take("mask_value")
    reader.record("mask_value", mask ?? .null)
    guard mask == nil || mask?.stringValue != nil || mask?.doubleValue != nil else {
      throw reader.invalid("mask_value", expected: "a string or a number")
    }
    try reader.refuse("sparse", "tensors are never sparse here")
    outputDType = try reader.placeDType(mode)
    core = try reader.placeLayerState(className: Self.className)
  }

  /// The input's own shape, or with a dimension for the places.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: count)
  }

  /// The places, or their vectors.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let isMasked = try masked(input)
    // Floats are truncated to whole numbers first.
    let whole = input.dtype == .string || input.dtype.isWhole ? input : try input.cast(to: .int64)
    let first = isMasked == nil ? 0 : 1
    var places = try whole.mapTexts { (text) throws(CairnError) in
      first + hash.bucket(text, of: count - first)
    }
    for (index, masked) in (isMasked ?? []).enumerated() where masked { places[index] = 0 }
    guard mode != .int else {
      return try Tensor(places.map { Int64($0) }, shape: shape).cast(to: outputDType)
    }
    return try mode.encode(
      places, input.shape, depth: count, as: outputDType, of: self, in: context)
  }

  /// Which elements are the mask, which has the first place to itself; nil if there is no such
  /// place.
  private func masked(_ input: Tensor) throws(CairnError) -> [Bool]? {
    guard let mask, count > 1 else { return nil }
    if input.dtype == .string {
      guard let text = mask.stringValue.map({ Array($0.utf8) }) else { throw wrongMask(input) }
      return try input.mapTexts { (element) throws(CairnError) in element == text }
    }
    guard let number = mask.doubleValue else { throw wrongMask(input) }
    if let whole = mask.intValue, input.dtype.isWhole {
      let numbers: [Int64] = try input.cast(to: .int64).scalars()
      return numbers.map { $0 == Int64(whole) }
    }
    let numbers: [Double] = try input.cast(to: .float64).scalars()
    return numbers.map { $0 == number }
  }

  private func wrongMask(_ input: Tensor) -> CairnError {
    CairnError(
      .dtypeMismatch, "the layer's mask_value is of another type than its input",
      at: .init(name: name), expected: mask?.stringValue == nil ? "numbers" : "string",
      found: "\(input.dtype)")
  }
}

/// Turns several inputs at once into places; Keras's `HashedCrossing`. No variables.
package final class HashedCrossing: KerasLayer, ConfiguredLayer {
  static let kind = LayerKind("HashedCrossing", castsFloats: false)
  /// The number with which TensorFlow begins.
  private static let key: UInt64 = 0xDECA_FCAF_FE

  let core: LayerState
  private let count: Int
  private let mode: PlaceEncoding
  private let dtype: DType

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    count = try reader.integer("num_bins", in: 1...1 << 40)
    mode = try reader.placeEncoding(default: .int)
    guard mode == .int || mode == .oneHot else {
      throw reader.invalid("output_mode", expected: "int or one_hot")
    }
    try reader.refuse("sparse", "tensors are never sparse here")
    dtype = try reader.placeDType(mode)
    core = try reader.placeLayerState(className: Self.className)
  }

  /// Keras writes no flag for this class.
  var config: JSONObject {
    var settings = state.settings
    settings["trainable"] = nil
    return settings
  }

  /// The shape of each input, or with a dimension for the places.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let first = inputs.first, inputs.count >= 2 else {
      throw CairnError(
        .countMismatch, "a crossing takes two tensors or more", at: .init(name: name),
        found: "\(inputs.count)")
    }
    for input in inputs {
      guard input.isCompatible(with: first), input.rank <= 2,
        input.rank < 2 || input.dimensions[1] == .some(1)
      else { throw shapeMismatch(expected: "(n) or (n, 1), the same for all", found: input) }
    }
    return [try mode.shape(first, depth: count)]
  }

  /// The type of places, or of vectors.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try outputShapes(for: plainInputs(arguments).map(\.shape)).map { TensorSpec($0, dtype: dtype) }
  }

  /// The places, or their vectors.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard let shape = try outputShapes(for: inputs.map { BatchShape($0.shape) }).first,
      let first = inputs.first
    else { return [] }
    let output = try context.shape(shape)
    var hashes = [UInt64](repeating: Self.key, count: first.elementCount)
    for input in inputs {
      let features: [UInt64]
      if input.dtype == .string {
        features = try input.mapTexts { (text) throws(CairnError) in TextHashes.fingerprint(text) }
      } else if input.dtype.isInteger {
        let numbers: [Int64] = try input.cast(to: .int64).scalars()
        features = numbers.map { UInt64(bitPattern: $0) }
      } else {
        throw CairnError(
          .dtypeMismatch, "a crossing takes texts and whole numbers", at: .init(name: name),
          found: "\(input.dtype)")
      }
      guard features.count == hashes.count else {
        throw shapeMismatch(expected: "\(first.shape)", found: BatchShape(input.shape))
      }
      for index in hashes.indices {
        hashes[index] = TextHashes.crossed(hashes[index], features[index])
      }
    }
    let places = hashes.map { Int($0 % UInt64(count)) }
    guard mode != .int else {
      return [try Tensor(places.map { Int64($0) }, shape: output).cast(to: dtype)]
    }
    return [
      try mode.encode(places, first.shape, depth: count, as: dtype, of: self, in: context)
    ]
  }
}

extension ConfigurationReader {
  /// The state of a layer whose `dtype` is not a policy of the other layers, but one of its own
  /// settings.
  fileprivate mutating func placeLayerState(className: String) throws(CairnError) -> LayerState {
    let own = recorded
    let name = try optionalString("name")
    do throws(CairnError) {
      return try LayerState(
        className: className, name: name, trainable: bool("trainable", default: true),
        ownSettings: own, version: version)
    } catch {
      throw error.code == .invalidName ? error.located(name: path(of: "name")) : error
    }
  }
}
