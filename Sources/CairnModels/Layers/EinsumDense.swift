// Keras `layers/core/einsum_dense.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A fully connected layer over any dimensions, by an equation: `activation(einsum(input, kernel) +
/// bias)`.
///
/// Variables: `kernel` and, if there are axes for it, `bias`, of shapes that follow from the
/// equation.
public final class EinsumDense: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("EinsumDense")

  let core: LayerState
  private let quantized: QuantizedLayer?
  /// What is applied to the outputs.
  let activation: OutputActivation
  private let equation: EinsumEquation
  private let partialShape: [Int?]
  private let biasAxes: [Int]?
  private let initializers: (kernel: Initializer, bias: Initializer)

  /// A layer of that equation.
  ///
  /// - Parameters:
  ///   - equation: Such as `abc,cd->abd`.
  ///   - outputShape: The output's dimensions without the first; nil where they are the input's.
  ///   - biasAxes: The output's dimensions that the bias has: `d`.
  /// - Throws: `invalidArgument` for an equation that Keras refuses; `invalidName`.
  public convenience init(
    _ equation: String, outputShape: [Int?], biasAxes: String? = nil,
    activation: ActivationFunction = .linear, kernelInitializer: Initializer = .glorotUniform(),
    biasInitializer: Initializer = .zeros, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "equation": equation,
        "output_shape": JSONValue.array(outputShape.map { $0?.json ?? .null }),
        "bias_axes": biasAxes,
        "activation": activation, "kernel_initializer": kernelInitializer,
        "bias_initializer": biasInitializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let equation = EinsumEquation(try reader.string("equation")) else {
      throw reader.invalid("equation", expected: "an equation such as abc,cd->abd")
    }
    self.equation = equation
    if let single = reader.peek("output_shape")?.intValue {
      guard (1..<Shape.dimensionLimit).contains(single) else {
        throw reader.invalid("output_shape", expected: "dimensions from 1 on")
      }
      _ = reader.take("output_shape")
      reader.record("output_shape", .integer(Int64(single)))
      partialShape = [single]
    } else {
      guard let shape = try reader.optionalShape("output_shape") else {
        throw reader.invalid("output_shape", expected: "an array of dimensions")
      }
      partialShape = shape.dimensions
    }
    activation = try reader.activation("activation")
    biasAxes = try reader.optionalString("bias_axes")?.utf8.map { Int($0) }
    guard biasAxes?.allSatisfy(equation.output.contains) ?? true, biasAxes?.isEmpty != true else {
      throw reader.invalid("bias_axes", expected: "dimensions of the output")
    }
    initializers.kernel = try reader.initializer("kernel_initializer", default: .glorotUniform())
    initializers.bias = try reader.initializer("bias_initializer", default: .zeros)
    _ = reader.preserved([
      "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
      "bias_constraint",
    ])
    (core, quantized) = try reader.quantizedLayerState(className: Self.className)
  }

  /// The lengths of the dimensions by name.
  private func lengths(for input: BatchShape) throws(CairnError) -> [Int: Int?] {
    guard let names = equation.inputNames(rank: input.rank) else {
      throw shapeMismatch(expected: "\(equation.input.count) dimensions", found: input)
    }
    var lengths: [Int: Int?] = [:]
    for (name, length) in zip(names, input.dimensions) { lengths[name] = .some(length) }
    // The given dimensions leave out the first dimension of the input and those that the dots stand
    // for; as in Keras, those are the input's.
    let outputNames = equation.outputNames(rank: input.rank)
    let elided = input.rank - equation.input.count
    let given =
      equation.ellipsis == .front
      ? outputNames.dropFirst(max(elided, 1)) : outputNames.dropFirst().dropLast(elided)
    guard given.count == partialShape.count else {
      throw shapeMismatch(expected: "dimensions for an output of \(partialShape)", found: input)
    }
    for (name, length) in zip(given, partialShape) {
      guard let length else { continue }
      if let known = lengths[name], let known, known != length {
        throw shapeMismatch(expected: "a dimension of \(length)", found: input)
      }
      lengths[name] = .some(length)
    }
    if let kernel = state.variable("kernel")?.shape.dimensions, !isPacked {
      for (name, length) in zip(equation.kernel, kernel) {
        guard (lengths[name] ?? nil) ?? length == length else {
          throw shapeMismatch(expected: "a kernel's dimension of \(length)", found: input)
        }
        lengths[name] = .some(length)
      }
    }
    return lengths
  }

  /// Whether the kernel is packed, and so does not have the equation's dimensions.
  private var isPacked: Bool {
    if case .int4 = quantized?.quantization { true } else { false }
  }

  /// The product of dimensions, which is a number of elements.
  ///
  /// - Throws: `invalidShape`.
  private static func product(_ dimensions: [Int]) throws(CairnError) -> Int {
    try Shape(dimensions).elementCount
  }

  /// The dimensions that the equation gives.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let lengths = try lengths(for: input)
    return try BatchShape(equation.outputNames(rank: input.rank).map { lengths[$0] ?? nil })
  }

  /// `kernel` and `bias`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let lengths = try lengths(for: input)
    func known(_ names: [Int]) throws(CairnError) -> [Int] {
      let values = names.compactMap { lengths[$0] ?? nil }
      guard values.count == names.count else {
        throw shapeMismatch(expected: "known lengths of the kernel's dimensions", found: input)
      }
      return values
    }
    let outputNames = equation.outputNames(rank: input.rank)
    var variables: [LayerVariable] = []
    if let quantized {
      let table = (
        rows: try Self.product(known(equation.kernel.filter { !outputNames.contains($0) })),
        columns: try Self.product(known(equation.kernel.filter { outputNames.contains($0) }))
      )
      var scale: [Int] = []
      for name in outputNames {
        scale.append(equation.kernel.contains(name) ? try known([name])[0] : 1)
      }
      variables = try quantized.makeKernel(
        known(equation.kernel), scale: scale, table: table, initializer: initializers.kernel,
        dtype: state.dtype.variableDType, in: &context)
    } else {
      variables = try context.makeWeights(
        [("kernel", known(equation.kernel), initializers.kernel)],
        dtype: state.dtype.variableDType)
    }
    if let biasAxes, let first = equation.output.firstIndex(where: biasAxes.contains) {
      var dimensions: [Int] = []
      for name in equation.output[first...] {
        dimensions.append(biasAxes.contains(name) ? try known([name])[0] : 1)
      }
      if equation.ellipsis == .end {
        dimensions += [Int](repeating: 1, count: input.rank - equation.input.count)
      }
      variables += try context.makeWeights(
        [("bias", dimensions, initializers.bias)], dtype: state.dtype.variableDType)
    }
    return variables
  }

  /// The equation's result, with the bias and the activation.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    let names = equation.inputNames(rank: input.rank) ?? []
    let outputNames = equation.outputNames(rank: input.rank)
    var result: FloatArray<Scalar>
    if let quantized {
      let lengths = try lengths(for: BatchShape(input.shape))
      result = try quantized.product(
        FloatArray(input), names, kernel: equation.kernel,
        dimensions: equation.kernel.map { (lengths[$0] ?? nil) ?? 0 }, to: outputNames, of: state,
        in: context)
    } else {
      result = try FloatArray<Scalar>(input).einsum(
        names, FloatArray(state.weight("kernel")), equation.kernel, to: outputNames, in: context)
    }
    if biasAxes != nil {
      var bias = try state.weight("bias")
      if let quantized { bias = try quantized.bias(of: state) }
      result = try result.combined(with: FloatArray(bias), in: context, +)
    }
    var output = try result.tensor()
    try activation.apply(to: &output, as: type, threads: context.threads)
    return output
  }
}
