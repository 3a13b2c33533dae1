// Keras `layers/activations/softmax.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// exp(x) divided by the sum of exp(x) along one dimension or several; with a mask, only the places
/// that count are added up. No variables.
public final class Softmax: OneInputCallLayer, ConfiguredLayer {
  static let kind = LayerKind("Softmax", passesMask: true, needsShape: false)

  let core: LayerState
  /// The dimensions that are added up along; negative ones count from the end.
  let axes: [Int]

  /// A softmax along `axes`.
  ///
  /// - Throws: `invalidArgument` for no axes; `invalidName`.
  public convenience init(
    axes: [Int] = [-1], name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["axis": Extents(axes)], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    axes = try reader.axes("axis", default: [-1])
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if it has the axes.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    _ = try input.axes(axes, of: self)
    return input
  }

  /// The input, the mask of the places that are added up, and the mask of the output.
  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (
    call: (input: Tensor, seen: Tensor?, mask: Tensor?), operands: [Tensor]
  ) {
    let inputs = try plainInputs(arguments)
    let input = inputs.count == 2 ? inputs[0] : try only(inputs)
    let mask =
      inputs.count == 2 ? inputs[1].tensor : arguments["mask"]?.tensors.first?.tensor ?? input.mask
    return ((input.tensor, mask, inputs.count == 2 ? input.mask : mask), [input.tensor])
  }

  /// The shares; places that a mask leaves out get 0.
  func evaluate<Scalar: FloatScalar>(
    _ call: (input: Tensor, seen: Tensor?, mask: Tensor?), in context: EvaluationContext,
    as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let axes = try BatchShape(call.input.shape).axes(axes, of: self)
    let array = try FloatArray<Scalar>(call.input)
    guard let mask = call.seen else {
      return [
        MaskedTensor(try array.softmax(axes, threads: context.threads).tensor(), mask: call.mask)
      ]
    }
    let kept = try FloatArray<Scalar>(mask.cast(to: Scalar.dtype))
    guard RowMajor.broadcast(array.shape, kept.shape) == array.shape else {
      throw shapeMismatch(
        expected: "a mask that broadcasts to \(call.input.shape)", found: BatchShape(mask.shape))
    }
    let lowest: Scalar = state.dtype.computeDType == .float16 ? -3e4 : -1e9
    let shares = try array.combined(with: kept, in: context) { $1 > 0.5 ? $0 : lowest }
      .softmax(axes, threads: context.threads).combined(with: kept, in: context) {
        $1 > 0.5 ? $0 : 0
      }
    return [MaskedTensor(try shares.tensor(), mask: call.mask)]
  }
}

extension FloatArray {
  /// exp(x − max) / sum of those along `axes`, which are counted from the front.
  ///
  /// - Throws: `outOfMemory`.
  func softmax(_ axes: [Int], threads: Threads) throws(CairnError) -> FloatArray {
    try changed(along: axes, threads: threads) { values, run in
      var greatest = -Scalar.infinity
      for index in run { greatest = max(greatest, values[index]) }
      var sum: Scalar = 0
      for index in run {
        values[index] = Elementary.exp(values[index] - greatest)
        sum += values[index]
      }
      for index in run { values[index] /= sum }
    }
  }
}

extension BatchShape {
  /// The axes counted from the front, ascending, each once.
  ///
  /// - Throws: `shapeMismatch` if the shape lacks one.
  func axes(_ indices: [Int], of layer: any Layer) throws(CairnError) -> [Int] {
    let axes = indices.compactMap { axis($0) }
    guard axes.count == indices.count else {
      throw layer.shapeMismatch(expected: "dimensions \(indices)", found: self)
    }
    return Set(axes).sorted()
  }
}
