// Comparisons, which Keras records where a layer makes a mask (`Embedding` with `mask_zero`).

import CairnJSON
import CairnSystem
import CairnTensors

/// A comparison of each pair of elements, broadcast; an operand may be a number. Bools come out.
///
/// Numbers are compared in double precision: exact for integers up to 2^53.
struct ComparisonRule: OperationRule {
  let function: @Sendable (Double, Double) -> Bool

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    // Shapes are those of arithmetic; types may be any.
    let floats = try arguments.mapTensors { TensorSpec($0.shape) }
    return TensorSpec(try BinaryRule(function: .sum).output(of: floats).shape, dtype: .bool)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(spec.shape)
    let left = try values(arguments.operand(0), shape.dimensions)
    let right = try values(arguments.operand(1), shape.dimensions)
    return try Tensor(zip(left, right).map { function($0, $1) }, shape: shape)
  }

  private func values(
    _ operand: CallArgument<MaskedTensor>, _ shape: [Int]
  ) throws(CairnError) -> [Double] {
    guard case .tensor(let value) = operand else {
      return try BinaryRule.numbers(operand.plain).broadcast(to: shape).values
    }
    let scalars: [Double] = try value.tensor.cast(to: .float64).scalars()
    let own = value.tensor.shape.dimensions
    let padded = [Int](repeating: 1, count: shape.count - own.count) + own
    let strides = RowMajor.strides(padded)
    let steps = padded.indices.map { padded[$0] == 1 ? 0 : strides[$0] }
    return RowMajor.places(shape, strides: steps).map { scalars[$0] }
  }
}
