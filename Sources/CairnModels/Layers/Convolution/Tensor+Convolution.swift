// Convolutions over `(n, …, c)`: patches gathered into a matrix, times the kernel as a matrix.

import CairnSystem
import CairnTensors

extension Tensor {
  /// The convolution of this tensor, its channels last, with `kernel` `(window…, c / groups, f)`.
  ///
  /// - Precondition: the shapes go together, as the layer has checked.
  func convolved(
    with kernel: Tensor, adding bias: Tensor?, over window: ConvolutionWindow, groups: Int,
    in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try Precision(for: dtype).run(
      Convolved(
        source: self, kernel: kernel, bias: bias, window: window, groups: groups, context: context))
  }

  /// Each channel of this tensor, its channels last, convolved with filters of its own: `kernel` is
  /// `(window…, c, m)`, and the results of channel `c` are the channel `c · m` and those after it.
  func depthwiseConvolved(
    with kernel: Tensor, adding bias: Tensor?, over window: ConvolutionWindow,
    in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try Precision(for: dtype).run(
      DepthwiseConvolved(
        source: self, kernel: kernel, bias: bias, window: window, context: context))
  }
}

/// A convolution, whole or in groups.
private struct Convolved: FloatWork {
  let source: Tensor
  let kernel: Tensor
  let bias: Tensor?
  let window: ConvolutionWindow
  let groups: Int
  let context: EvaluationContext

  /// Taps times channels that are gathered at once: patches of ``MatrixProduct/rowBlock`` rows then
  /// stay in the cache.
  private static let depth = 256
  /// The most bytes of the kernel that are packed at once.
  private static let packedByteCount = 16 << 20

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let windows = window.windows(over: source)
    let (channels, filters) = (source.shape[source.rank - 1], kernel.shape[kernel.rank - 1])
    let (groupChannels, groupFilters) = (channels / groups, filters / groups)
    let inner = windows.kernelCount * groupChannels
    let output = try context.shape(
      [source.shape[0]] + windows.axes.suffix(window.rank).map { max($0.output, 0) } + [filters])
    try context.take(work: output.elementCount, inner)
    guard output.elementCount > 0 else { return try Tensor(zeros: Scalar.dtype, shape: output) }
    let offsets: [Scalar] = try bias?.scalars() ?? []
    let isPointwise = windows.kernelCount == 1 && windows.count == windows.inputCount && groups == 1
    if isPointwise {
      return try MatrixProduct.product(
        of: source.reshaped(to: Shape([windows.inputCount * source.shape[0], channels])),
        kernel.reshaped(to: Shape([channels, filters])), adding: bias,
        shape: Shape([output.elementCount / filters, filters]), threads: context.threads
      ).reshaped(to: output)
    }
    // Few rows of a large kernel are packed at once; in groups each kernel is small.
    let width = MemoryLayout<Scalar>.size * ((groupFilters + 15) / 16 * 16)
    let most = max(Self.packedByteCount / width / groups, 1)
    var result: Tensor?
    for start in stride(from: 0, to: max(inner, 1), by: most) {
      let slab = start..<min(start + most, inner)
      let matrices = try packed(slab, groupFilters: groupFilters, filters: filters, as: type)
      result = try add(
        matrices, slab, to: result, windows, channels: channels, isLast: slab.upperBound == inner,
        offsets: offsets, shape: output)
    }
    guard let result else { return try Tensor(zeros: Scalar.dtype, shape: output) }
    return result
  }

  /// Rows of the kernel as a matrix for each group.
  private func packed<Scalar: FloatScalar>(
    _ rows: Range<Int>, groupFilters: Int, filters: Int, as type: Scalar.Type
  ) throws(CairnError) -> [PackedMatrix<Scalar>] {
    try kernel.withScalars(of: type) { (values) throws(CairnError) in
      var matrices: [PackedMatrix<Scalar>] = []
      for group in 0..<groups {
        matrices.append(
          try PackedMatrix(
            values, stride: filters, rows: rows,
            columns: group * groupFilters..<(group + 1) * groupFilters, threads: context.threads))
      }
      return matrices
    }
  }

  /// The sums so far with those over the rows `slab` of the kernel.
  private func add<Scalar: FloatScalar>(
    _ matrices: [PackedMatrix<Scalar>], _ slab: Range<Int>, to sums: Tensor?, _ windows: Windows,
    channels: Int, isLast: Bool, offsets: [Scalar], shape: Shape
  ) throws(CairnError) -> Tensor {
    let filters = shape[shape.rank - 1]
    let (groupChannels, groupFilters) = (channels / groups, filters / groups)
    let rows = shape.elementCount / filters
    let blocks = MatrixProduct.blocks(
      rows, work: filters.multipliedSaturated(by: slab.count), threads: context.threads)
    let most = blocks.reduce(0) { max($0, $1.count) } * min(Self.depth, slab.count)
    return try Tensor(
      shape: shape, rowLength: filters, blocks: blocks, threads: context.threads,
      makeWorker: { () throws(CairnError) in [Scalar](repeating: 0, count: most) }
    ) { (patches, rows, result: inout MutableSpan<Scalar>) throws(CairnError) in
      if let sums {
        try sums.withScalars(of: Scalar.self) { before in
          for index in result.indices { result[index] = before[rows.lowerBound * filters + index] }
        }
      }
      try source.withScalars(of: Scalar.self) { (input) throws(CairnError) in
        for group in 0..<groups {
          let own = group * groupFilters..<(group + 1) * groupFilters
          let bias = isLast && !offsets.isEmpty ? Array(offsets[own]) : []
          // An empty slab is gone through once, for the bias.
          for start in stride(from: 0, to: max(slab.count, 1), by: Self.depth) {
            let part = start..<min(start + Self.depth, slab.count)
            var span = patches.mutableSpan
            windows.gather(
              input, width: channels,
              channels: group * groupChannels..<(group + 1) * groupChannels, rows: rows,
              part: slab.lowerBound + part.lowerBound..<slab.lowerBound + part.upperBound,
              into: &span)
            matrices[group].multiply(
              patches.span,
              .init(
                rows: rows.count, leftStride: part.count, result: own.lowerBound,
                resultStride: filters, inner: part,
                continues: slab.lowerBound + part.lowerBound > 0),
              adding: part.upperBound == slab.count ? bias : [], into: &result)
          }
        }
      }
    }
  }
}

/// A convolution of each channel separately.
private struct DepthwiseConvolved: FloatWork {
  let source: Tensor
  let kernel: Tensor
  let bias: Tensor?
  let window: ConvolutionWindow
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let windows = window.windows(over: source)
    let (channels, multiplier) = (source.shape[source.rank - 1], kernel.shape[kernel.rank - 1])
    let width = channels * multiplier
    let output = try context.shape(
      [source.shape[0]] + windows.axes.suffix(window.rank).map { max($0.output, 0) } + [width])
    guard output.elementCount > 0 else { return try Tensor(zeros: Scalar.dtype, shape: output) }
    let taps: [Scalar] = try kernel.scalars()
    let offsets: [Scalar] = try bias?.scalars() ?? []
    // Several filters of a channel: each channel counts as often.
    let input = multiplier == 1 ? source : try repeated(multiplier, as: type)
    let blocks = MatrixProduct.blocks(
      output.elementCount / width, work: windows.kernelCount * width, threads: context.threads)
    return try Tensor(
      shape: output, rowLength: width, blocks: blocks, threads: context.threads
    ) { (rows, result: inout MutableSpan<Scalar>) throws(CairnError) in
      try input.withScalars(of: type) { input in
        windows.convolve(
          input, channels: width, by: taps, adding: offsets, rows: rows, into: &result)
      }
    }
  }

  /// The source with each channel `count` times side by side.
  private func repeated<Scalar: FloatScalar>(
    _ count: Int, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let channels = source.shape[source.rank - 1]
    let shape = try context.shape(source.shape.dimensions.dropLast() + [channels * count])
    return try Tensor(
      shape: shape, rowLength: count, blocks: [0..<source.elementCount], threads: 1
    ) { (_, result: inout MutableSpan<Scalar>) throws(CairnError) in
      try source.withScalars(of: type) { values in
        for index in values.indices {
          for copy in 0..<count { result[index * count + copy] = values[index] }
        }
      }
    }
  }
}

extension Array where Element: FloatScalar {
  /// Adds `row` to each row of the same length; an empty row changes nothing.
  mutating func addToRows(_ row: [Element]) {
    guard !row.isEmpty else { return }
    for start in stride(from: 0, to: count, by: row.count) {
      for index in row.indices { self[start + index] += row[index] }
    }
  }
}
