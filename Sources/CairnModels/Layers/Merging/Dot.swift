// Keras `layers/merging/dot.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// The products of two tensors, example by example, added up along a dimension of each. No
/// variables.
public final class Dot: FloatCallLayer, ConfiguredLayer {
  static let kind = LayerKind("Dot")

  let core: LayerState
  private let axes: (left: Int, right: Int)
  private let normalizes: Bool

  /// A layer that multiplies its two inputs.
  ///
  /// - Parameters:
  ///   - axes: The dimension of each that is added up along.
  ///   - normalizes: Whether the vectors along them are first scaled to length 1, so that the
  ///     result is the cosine.
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    axes: (left: Int, right: Int), normalizes: Bool = false, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "axes": [axes.left, axes.right],
        "normalize": normalizes,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard reader.peek("axes") != nil else {
      throw reader.invalid("axes", expected: "an axis or two")
    }
    let list = try reader.axes("axes", default: [])
    guard list.count <= 2 else { throw reader.invalid("axes", expected: "an axis or two") }
    axes = (list[0], list[list.count - 1])
    normalizes = try reader.bool("normalize", default: false)
    core = try reader.layerState(className: Self.className)
  }

  private func checkedAxes(
    _ inputs: [BatchShape]
  ) throws(CairnError) -> (left: Int, right: Int) {
    guard inputs.count == 2 else {
      throw CairnError(
        .countMismatch, "the layer takes two inputs", at: .init(name: name), expected: "2",
        found: "\(inputs.count)")
    }
    guard inputs[0].rank >= 2, let left = inputs[0].axis(axes.left), left > 0 else {
      throw shapeMismatch(expected: "a dimension \(axes.left) behind the first", found: inputs[0])
    }
    guard inputs[1].rank >= 2, let right = inputs[1].axis(axes.right), right > 0,
      inputs[0].dimensions[left] ?? -1 == inputs[1].dimensions[right] ?? -1,
      (inputs[0].dimensions[0] ?? inputs[1].dimensions[0])
        == (inputs[1].dimensions[0] ?? inputs[0].dimensions[0])
    else {
      throw shapeMismatch(
        expected: "examples and a dimension \(axes.right) as in \(inputs[0])", found: inputs[1])
    }
    return (left, right)
  }

  /// What is left of both shapes; `(n, 1)` if nothing is.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    let (left, right) = try checkedAxes(inputs)
    var dimensions = inputs[0].dimensions
    dimensions.remove(at: left)
    var others = inputs[1].dimensions
    others.remove(at: right)
    dimensions += others.dropFirst()
    return [try BatchShape(dimensions.count == 1 ? dimensions + [1] : dimensions)]
  }

  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (call: [Tensor], operands: [Tensor]) {
    let inputs = try plainInputs(arguments).map(\.tensor)
    return (inputs, inputs)
  }

  /// The products.
  func evaluate<Scalar: FloatScalar>(
    _ inputs: [Tensor], in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let shapes = inputs.map { BatchShape($0.shape) }
    let (left, right) = try checkedAxes(shapes)
    let shape = try context.shape(only(outputShapes(for: shapes)))
    var a = try FloatArray<Scalar>(inputs[0])
    var b = try FloatArray<Scalar>(inputs[1])
    if normalizes {
      a = try a.unitLength([left], in: context)
      b = try b.unitLength([right], in: context)
    }
    a = a.transposed((0..<a.rank).filter { $0 != left } + [left])
    b = b.transposed([0, right] + (1..<b.rank).filter { $0 != right })
    let (examples, inner) = (a.shape[0], a.shape[a.rank - 1])
    a.shape = [examples, a.shape[1..<a.rank - 1].reduce(1, *), inner]
    b.shape = [examples, inner, b.shape[2...].reduce(1, *)]
    return [MaskedTensor(try a.multiplied(by: b, in: context).tensor().reshaped(to: shape))]
  }
}

extension FloatArray {
  /// Every run along `axes` divided by its Euclidean length, which counts as at least √1e-12.
  func unitLength(
    _ axes: [Int], in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    let factors = reduced(axes, keepingDimensions: true) { run in
      1 / max(run.reduce(0) { $0 + $1 * $1 }, 1e-12).squareRoot()
    }
    return try combined(with: factors, in: context) { $0 * $1 }
  }
}
