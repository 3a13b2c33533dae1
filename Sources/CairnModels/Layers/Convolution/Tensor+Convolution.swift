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

  /// The kernel as one matrix a group: `(taps · channels, filters)`.
  fileprivate func groupMatrices<Scalar: FloatScalar>(
    _ groups: Int, rows: Int
  ) throws(CairnError) -> [[Scalar]] {
    let values: [Scalar] = try scalars()
    guard groups > 1 else { return [values] }
    let filters = shape[rank - 1]
    let width = filters / groups
    return (0..<groups).map { group -> [Scalar] in
      var matrix: [Scalar] = []
      for row in 0..<rows {
        let start = row * filters + group * width
        matrix += values[start..<start + width]
      }
      return matrix
    }
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

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let windows = window.windows(over: source)
    let (channels, filters) = (source.shape[source.rank - 1], kernel.shape[kernel.rank - 1])
    let (groupChannels, groupFilters) = (channels / groups, filters / groups)
    let inner = windows.kernelCount * groupChannels
    let output = try context.shape(
      [source.shape[0]] + windows.axes.suffix(window.rank).map { max($0.output, 0) } + [filters])
    try context.take(work: output.elementCount, inner)
    let input: [Scalar] = try source.scalars()
    let matrices: [[Scalar]] = try kernel.groupMatrices(groups, rows: inner)
    let offsets: [Scalar] = try bias?.scalars() ?? []
    let isPointwise = windows.kernelCount == 1 && windows.count == windows.inputCount && groups == 1
    return try Tensor(
      shape: output, rowLength: filters, work: inner * filters, threads: context.threads
    ) { rows in
      var block: [Scalar] = []
      if isPointwise {
        block = MatrixProduct.product(
          input, from: rows.lowerBound * channels, matrices[0], rows: rows.count, inner: inner,
          columns: filters)
      } else {
        var parts: [[Scalar]] = []
        for group in 0..<groups {
          let patches = Self.patches(
            input, rows: rows, windows, channels: channels,
            within: group * groupChannels..<(group + 1) * groupChannels)
          parts.append(
            MatrixProduct.product(
              patches, matrices[group], rows: rows.count, inner: inner, columns: groupFilters))
        }
        block = groups == 1 ? parts[0] : Self.interleaved(parts, width: groupFilters)
      }
      block.addToRows(offsets)
      return block
    }
  }

  /// For each row the values under its window, zeros beyond the border, tap by tap.
  private static func patches<Scalar: FloatScalar>(
    _ input: [Scalar], rows: Range<Int>, _ windows: Windows, channels: Int, within: Range<Int>
  ) -> [Scalar] {
    let width = within.count
    let inner = windows.kernelCount * width
    var patches = [Scalar](repeating: 0, count: rows.count * inner)
    var start = 0
    for row in rows {
      let example = row / windows.count * windows.inputCount
      windows.forEachTap(of: row % windows.count) { tap, place in
        let source = (example + place) * channels + within.lowerBound
        let target = start + tap * width
        for channel in 0..<width { patches[target + channel] = input[source + channel] }
      }
      start += inner
    }
    return patches
  }

  /// The rows of the groups' products side by side.
  private static func interleaved<Scalar: FloatScalar>(_ parts: [[Scalar]], width: Int) -> [Scalar]
  {
    var rows: [Scalar] = []
    rows.reserveCapacity(parts.count * parts[0].count)
    for start in stride(from: 0, to: parts[0].count, by: max(width, 1)) {
      for part in parts { rows += part[start..<start + width] }
    }
    return rows
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
    let input: [Scalar] = try source.scalars()
    let taps: [Scalar] = try kernel.scalars()
    let offsets: [Scalar] = try bias?.scalars() ?? []
    return try Tensor(
      shape: output, rowLength: width, work: windows.kernelCount * width,
      threads: context.threads
    ) { rows in
      var block = [Scalar](repeating: 0, count: rows.count * width)
      var start = 0
      for row in rows {
        let example = row / windows.count * windows.inputCount
        windows.forEachTap(of: row % windows.count) { tap, place in
          let source = (example + place) * channels
          let factors = tap * width
          if multiplier == 1 {
            for channel in 0..<channels {
              block[start + channel] += input[source + channel] * taps[factors + channel]
            }
          } else {
            for index in 0..<width {
              block[start + index] += input[source + index / multiplier] * taps[factors + index]
            }
          }
        }
        start += width
      }
      block.addToRows(offsets)
      return block
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
