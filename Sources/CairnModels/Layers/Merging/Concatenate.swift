// Keras `layers/merging/concatenate.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Joins several tensors along one dimension. No variables.
public final class Concatenate: KerasLayer, ConfiguredLayer {
  static let kind = LayerKind("Concatenate", keepsWholeNumbers: true)

  let core: LayerState
  /// The dimension; negative ones count from the end.
  let axis: Int

  /// A layer that puts its inputs side by side.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    axis: Int = -1, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["axis": axis], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    axis = try reader.integer("axis", in: -Shape.maximumRank...Shape.maximumRank, default: -1)
    core = try reader.layerState(className: Self.className)
  }

  /// The first input's shape, with the lengths along the axis added up.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let first = inputs.first, let axis = first.axis(axis) else {
      throw CairnError(
        .shapeMismatch, "the layer's inputs lack the dimension \(self.axis)", at: .init(name: name),
        found: inputs.first.map { "\($0)" } ?? "no inputs")
    }
    var dimensions = first.dimensions
    for input in inputs.dropFirst() {
      guard input.rank == first.rank else {
        throw shapeMismatch(expected: "\(first.rank) dimensions", found: input)
      }
      for other in dimensions.indices where other != axis {
        guard let x = dimensions[other], let y = input.dimensions[other] else {
          dimensions[other] = dimensions[other] ?? input.dimensions[other]
          continue
        }
        guard x == y else { throw shapeMismatch(expected: "\(first)", found: input) }
      }
      if let length = dimensions[axis], let added = input.dimensions[axis] {
        dimensions[axis] = min(length, Shape.dimensionLimit) + added
      } else {
        dimensions[axis] = nil
      }
    }
    return [try BatchShape(dimensions)]
  }

  /// The tensors side by side.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let shape = try context.shape(
      only(outputShapes(for: inputs.map { BatchShape($0.shape) })))
    return [
      try Tensor.concatenated(
        inputs, axis: BatchShape(shape).axis(axis) ?? 0, shape: shape, threads: context.threads)
    ]
  }

  /// As for the tensors alone, with their masks side by side if there are any.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let inputs = try plainInputs(arguments)
    let output = try only(evaluate(inputs.map(\.tensor), in: context))
    guard inputs.contains(where: { $0.mask != nil }) else { return [MaskedTensor(output)] }
    // Masks get the inputs' shapes, as in Keras; a place counts if any place of its last dimension
    // does.
    var masks: [Tensor] = []
    for input in inputs {
      let ones = FloatArray<Float>(
        [Float](repeating: 1, count: input.tensor.elementCount),
        shape: input.tensor.shape.dimensions)
      guard let mask = input.mask else {
        masks.append(try ones.tensor())
        continue
      }
      var array = try FloatArray<Float>(mask.cast(to: .float32))
      if array.rank < ones.rank {
        array.shape.append(1)
        array = try array.combined(with: ones, in: context) { x, _ in x }
      }
      masks.append(try array.tensor())
    }
    let whole = try only(evaluate(masks, in: context))
    let any = try FloatArray<Float>(whole).reduced([whole.rank - 1], keepingDimensions: false) {
      run in
      run.contains(where: { $0 != 0 }) ? 1 : 0
    }
    return [MaskedTensor(output, mask: try any.tensor().cast(to: .bool))]
  }
}

extension Tensor {
  /// Joins tensors of one type along `axis`; `shape` is the result's.
  ///
  /// - Throws: `dtypeMismatch`; `noConversion` for types that don't fill bytes.
  static func concatenated(
    _ parts: [Tensor], axis: Int, shape: Shape, threads: Threads = 1
  ) throws(CairnError) -> Tensor {
    guard let dtype = parts.first?.dtype, parts.allSatisfy({ $0.dtype == dtype }) else {
      throw CairnError(
        .dtypeMismatch, "tensors of different element types cannot stand side by side",
        found: parts.map { "\($0.dtype)" }.joined(separator: ", "))
    }
    let width = try dtype.elementWidth()
    let outer = shape.dimensions[..<axis].reduce(1, *)
    return try Tensor(dtype: dtype, shape: shape, byteCount: shape.elementCount * width) {
      (target) throws(CairnError) in
      guard target.count > 0 else { return }
      let row = target.count / max(outer, 1)
      // Rows of some 256 KiB for a thread.
      let size = max((1 << 18) / row, 1)
      let blocks = stride(from: 0, to: outer, by: size).map { $0..<min($0 + size, outer) }
      try fillInParallel(
        &target, parts: blocks.map { row * $0.lowerBound..<row * $0.upperBound },
        threads: blocks.count < 4 ? 1 : threads
      ) { (index, bytes) throws(CairnError) in
        var start = 0
        for part in parts {
          let length = part.byteCount / max(outer, 1)
          part.withBytes { source in
            for (place, outer) in blocks[index].enumerated() {
              bytes.copy(
                source.extracting(outer * length..<(outer + 1) * length), at: place * row + start)
            }
          }
          start += length
        }
      }
    }
  }
}
