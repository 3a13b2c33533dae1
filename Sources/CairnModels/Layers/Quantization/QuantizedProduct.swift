// What quantised layers compute. Keras `layers/core/dense.py`, `einsum_dense.py` (`_int8_call`, `_int4_call`,
// `_float8_call`), `quantizers/quantizers.py`.

import CairnSystem
import CairnTensors

extension QuantizedLayer {
  /// The variables of a kernel, in place of the kernel.
  ///
  /// - Parameters:
  ///   - dimensions: The kernel's.
  ///   - scale: The dimensions of the kernel's scales in 8 bits.
  ///   - table: The kernel as rows and columns, as it is packed in 4 bits.
  func makeKernel(
    _ dimensions: [Int], scale: [Int], table: (rows: Int, columns: Int), initializer: Initializer,
    dtype: DType, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    switch quantization {
    case .int8:
      return [
        try context.makeVariable(
          "kernel", dimensions: dimensions, initializer: .zeros, role: .nonTrainable, dtype: .int8),
        try context.makeVariable(
          "kernel_scale", dimensions: scale, initializer: .ones, role: .nonTrainable, dtype: dtype),
      ]
    case .int4(let block):
      return try Self.makePacked(
        "kernel", table, block: block, along: table.rows, dtype: dtype, in: &context)
    case .float8(let history):
      var variables = try context.makeWeights([("kernel", dimensions, initializer)], dtype: dtype)
      for name in ["inputs", "kernel", "outputs_grad"] {
        variables += try context.makeWeights(
          [("\(name)_scale", [], .ones), ("\(name)_amax_history", [history], .zeros)],
          dtype: .float32)
      }
      return variables
    }
  }

  /// The variables of numbers of 4 bits, which are packed in pairs along the columns.
  ///
  /// - Parameter length: The length of the dimension that is divided into blocks: that of the rows
  ///   for a kernel, of the columns for an embedding.
  static func makePacked(
    _ name: String, _ table: (rows: Int, columns: Int), block: Int?, along length: Int,
    dtype: DType, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let packed = [table.rows, table.columns / 2 + table.columns % 2]
    let isByRow = name == "kernel"
    let other = isByRow ? table.columns : table.rows
    var scale = [other]
    if let block {
      let groups = length / block + (length % block == 0 ? 0 : 1)
      scale = isByRow ? [groups, other] : [other, groups]
    }
    var variables = [
      try context.makeVariable(
        name, dimensions: packed, initializer: .zeros, role: .nonTrainable, dtype: .int8),
      try context.makeVariable(
        "\(name)_scale", dimensions: scale, initializer: .ones, role: .nonTrainable, dtype: dtype),
    ]
    if block != nil {
      variables.append(
        try context.makeVariable(
          "\(name)_zero", dimensions: scale, initializer: .zeros, role: .nonTrainable, dtype: .int8)
      )
      variables.append(
        try context.makeVariable(
          "g_idx", dimensions: [length], initializer: .zeros, role: .nonTrainable, dtype: .float32))
    }
    return variables
  }

  /// The product of a layer's input and its kernel, over named dimensions.
  ///
  /// - Parameters:
  ///   - labels: The names of the input's dimensions.
  ///   - kernelLabels: The names of the kernel's dimensions.
  ///   - result: The names of the product's dimensions.
  ///   - dimensions: The kernel's dimensions.
  func product<Scalar: FloatScalar>(
    _ input: FloatArray<Scalar>, _ labels: [Int], kernel kernelLabels: [Int], dimensions: [Int],
    to result: [Int], of state: LayerState, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar> {
    let type = state.dtype.computeDType
    switch quantization {
    case .float8:
      let kernel: FloatArray<Scalar> = try FloatArray(state.weight("kernel"))
      return try Self.throughFloat8(input, "inputs_scale", of: state).einsum(
        labels, Self.throughFloat8(kernel, "kernel_scale", of: state), kernelLabels, to: result,
        in: context)
    case .int8:
      let kernel: FloatArray<Scalar> = try FloatArray(state.weight("kernel"))
      let scale: FloatArray<Scalar> = try FloatArray(state.weight("kernel_scale"))
      guard let inputs else {
        return try input.einsum(labels, kernel, kernelLabels, to: result, in: context)
          .rounded(to: type).combined(with: scale, in: context, /).rounded(to: type)
      }
      let reduced = labels.indices.filter { !result.contains(labels[$0]) }
      let (small, inputScale) = try inputs.quantized(input, along: reduced, as: type, in: context)
      let whole = try Self.wholeProduct(
        small, labels, kernel, kernelLabels, to: result, in: context)
      let factors = try Self.aligned(inputScale, labels, to: result)
        .combined(with: scale, in: context, *).rounded(to: type)
      return try whole.rounded(to: type).combined(with: factors, in: context, /).rounded(to: type)
    case .int4:
      var kernel: FloatArray<Scalar> = try unpackedKernel(
        rows: kernelLabels.indices.reduce(1) {
          result.contains(kernelLabels[$1]) ? $0 : $0 * dimensions[$1]
        },
        columns: kernelLabels.indices.reduce(1) {
          result.contains(kernelLabels[$1]) ? $0 * dimensions[$1] : $0
        }, of: state, in: context)
      kernel.shape = dimensions
      guard let inputs, state.variable("g_idx") == nil else {
        return try input.einsum(labels, kernel, kernelLabels, to: result, in: context)
      }
      let reduced = labels.indices.filter { !result.contains(labels[$0]) }
      let (small, inputScale) = try inputs.quantized(input, along: reduced, as: type, in: context)
      return try small.einsum(labels, kernel, kernelLabels, to: result, in: context)
        .rounded(to: type).combined(
          with: Self.aligned(inputScale, labels, to: result), in: context, /)
    }
  }

  /// The numbers after conversion to 8-bit floats and back.
  private static func throughFloat8<Scalar: FloatScalar>(
    _ values: FloatArray<Scalar>, _ scale: String, of state: LayerState
  ) throws(CairnError) -> FloatArray<Scalar> {
    let type = state.dtype.computeDType
    let factors: [Scalar] = try state.weightScalars(scale)
    let factor = factors.first ?? 1
    var result = FloatArray(
      values.values.map { min(max($0 / factor, -448), 448) }, shape: values.shape)
    // A NaN has no order, so it is put back after `min` and `max`.
    for (index, value) in values.values.enumerated() where value.isNaN {
      result.values[index] = value
    }
    let small = try result.rounded(to: type).tensor().cast(to: .float8E4M3FN)
      .cast(to: Scalar.dtype)
    result = try FloatArray(small)
    return try FloatArray(result.values.map { $0 * factor }, shape: values.shape).rounded(to: type)
  }

  /// The bias as it is added: rounded to bfloat16 if weights are 8-bit floats and the layer
  /// computes in float32.
  func bias(of state: LayerState) throws(CairnError) -> Tensor {
    let bias = try state.weight("bias")
    guard case .float8 = quantization, state.dtype.computeDType == .float32 else { return bias }
    return try bias.cast(to: .bfloat16).cast(to: .float32)
  }

  /// The product of whole numbers, exact.
  private static func wholeProduct<Scalar: FloatScalar>(
    _ input: FloatArray<Scalar>, _ labels: [Int], _ kernel: FloatArray<Scalar>,
    _ kernelLabels: [Int], to result: [Int], in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar> {
    var inner = 1
    for (label, length) in zip(labels, input.shape) where !result.contains(label) {
      inner = inner.multipliedSaturated(by: length)
    }
    // Sums below 2^24 are exact in float32.
    guard Scalar.dtype == .float32, inner > 1 << 10 else {
      return try input.einsum(labels, kernel, kernelLabels, to: result, in: context)
    }
    return try input.converted(to: Double.self).einsum(
      labels, kernel.converted(to: Double.self), kernelLabels, to: result, in: context
    ).converted(to: Scalar.self)
  }

  /// The array with the result's dimensions. Its own dimensions that are not in the result have
  /// length 1.
  private static func aligned<Scalar: FloatScalar>(
    _ array: FloatArray<Scalar>, _ labels: [Int], to result: [Int]
  ) -> FloatArray<Scalar> {
    let kept = labels.indices.filter { result.contains(labels[$0]) }
    var aligned = FloatArray(array.values, shape: kept.map { array.shape[$0] })
    let names = kept.map { labels[$0] }
    let order = result.compactMap { names.firstIndex(of: $0) }
    aligned = aligned.transposed(order)
    aligned.shape = result.map { label in
      labels.firstIndex(of: label).map { array.shape[$0] } ?? 1
    }
    return aligned
  }

  /// A kernel of 4 bits as rows and columns of floats.
  private func unpackedKernel<Scalar: FloatScalar>(
    rows: Int, columns: Int, of state: LayerState, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar> {
    _ = try context.shape([rows, columns])
    var values: [Scalar] = try Self.nibbles(
      state.requireVariable("kernel").value, rows: rows, columns: columns)
    let scales: [Scalar] = try state.weightScalars("kernel_scale")
    guard columns > 0, scales.count % columns == 0 else { throw state.notBuilt() }
    guard state.variable("g_idx") != nil else {
      for index in values.indices { values[index] = values[index] / scales[index % columns] }
      return try FloatArray(values, shape: [rows, columns]).rounded(to: state.dtype.computeDType)
    }
    let zeros: [Scalar] = try state.weightScalars("kernel_zero")
    let groups = try Self.groups(of: state, count: scales.count / columns)
    guard groups.count == rows, zeros.count == scales.count else { throw state.notBuilt() }
    for index in values.indices {
      let place = groups[index / columns] * columns + index % columns
      values[index] = (values[index] - zeros[place]) * scales[place]
    }
    return try FloatArray(values, shape: [rows, columns]).rounded(to: state.dtype.computeDType)
  }

  /// The group that each row, or each column, belongs to.
  ///
  /// - Throws: `invalidArgument` for a number that is not the number of a group.
  static func groups(of state: LayerState, count: Int) throws(CairnError) -> [Int] {
    let numbers: [Float] = try state.requireVariable("g_idx").value.cast(to: .float32).scalars()
    var groups: [Int] = []
    groups.reserveCapacity(numbers.count)
    for (index, number) in numbers.enumerated() {
      guard let group = Int(exactly: number.rounded(.towardZero)), (0..<count).contains(group)
      else {
        throw CairnError(
          .invalidArgument, "a weight names a group that there is none of",
          at: .init(name: "\(state.name)/g_idx", index: index), expected: "0..<\(count)",
          found: "\(number)")
      }
      groups.append(group)
    }
    return groups
  }

  /// Numbers of 4 bits, the first of each byte in its lower half.
  ///
  /// - Throws: `countMismatch` for another number of bytes.
  static func nibbles<Scalar: FloatScalar>(
    _ packed: Tensor, rows: Int, columns: Int
  ) throws(CairnError) -> [Scalar] {
    let bytes: [Int8] = try packed.scalars()
    let width = columns / 2 + columns % 2
    guard bytes.count == rows * width else {
      throw CairnError(
        .countMismatch, "packed weights are not as many as the layer has",
        expected: "\(rows * width)", found: "\(bytes.count)")
    }
    var values: [Scalar] = []
    values.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let byte = bytes[row * width + column / 2]
        values.append(Scalar(Double(column % 2 == 0 ? (byte << 4) >> 4 : byte >> 4)))
      }
    }
    return values
  }
}

extension AbsMaxQuantizer {
  /// The numbers as small whole numbers, and the scale they were multiplied by, which has length 1
  /// along each of `axes`.
  func quantized<Scalar: FloatScalar>(
    _ input: FloatArray<Scalar>, along axes: [Int], as type: DType, in context: EvaluationContext
  ) throws(CairnError) -> (values: FloatArray<Scalar>, scale: FloatArray<Scalar>) {
    let largest = input.reduced(axes, keepingDimensions: true) { run in
      run.reduce(0) { abs($1) > $0 || $1.isNaN ? abs($1) : $0 }
    }
    let (low, high) = (Scalar(least), Scalar(most))
    var scale = try FloatArray(
      largest.values.map { $0 + Scalar(epsilon) }, shape: largest.shape
    ).rounded(to: type)
    for index in scale.values.indices { scale.values[index] = high / scale.values[index] }
    scale = try scale.rounded(to: type)
    var values = try input.combined(with: scale, in: context, *).rounded(to: type)
    for index in values.values.indices {
      // A NaN becomes 0, as in any cast of it.
      let value = values.values[index].rounded(.toNearestOrEven)
      values.values[index] = value.isNaN ? 0 : min(max(value, low), high)
    }
    return (values, scale)
  }
}

extension FloatArray {
  /// The elements rounded to a type of 16 bits; for wider types, the elements as they are.
  fileprivate func rounded(to type: DType) throws(CairnError) -> FloatArray {
    guard type == .float16 || type == .bfloat16 else { return self }
    return try FloatArray(tensor().cast(to: type).cast(to: Scalar.dtype))
  }
}
