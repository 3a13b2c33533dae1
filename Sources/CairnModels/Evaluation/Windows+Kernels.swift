// Passes over windows in C: patches as a matrix, sums by channel, pooling.
//
// One of the few files with unsafe code. The bounds: the source has all places of its examples, and the
// kernels read only places within them; the target has room for the rows that are asked for.

internal import CCairnKernels
import CairnTensors

extension Windows {
  /// As C wants them. The dimensions are those of tensors, and so below 2^48; the products of them are
  /// those of the tensors' shapes.
  private var kernelArgument: cairn_windows {
    func three(_ value: (WindowAxis) -> Int) -> (Int, Int, Int) {
      (value(axes[0]), value(axes[1]), value(axes[2]))
    }
    return cairn_windows(
      input: three(\.input), kernel: three(\.kernel), dilation: three(\.dilation),
      stride: three(\.stride), before: three(\.before), output: three(\.output))
  }

  /// Checks that windows, of examples that the source has whole, are there.
  private func check(_ rows: Range<Int>, channels: Int, sourceCount: Int) {
    precondition(rows.lowerBound >= 0 && count > 0)
    let examples = (rows.upperBound - 1) / count + 1
    precondition(examples * inputCount * channels <= sourceCount)
    precondition(axes.allSatisfy { $0.stride > 0 && $0.dilation > 0 && $0.kernel > 0 })
  }

  /// For each of the windows in `rows`, counted over all examples, the values under it, zeros outside
  /// of the source: those of `channels` tap by tap, of which `part` is taken.
  ///
  /// - Precondition: `source` has its channels last, `width` of them.
  func gather<Scalar: FloatScalar>(
    _ source: Span<Scalar>, width: Int, channels: Range<Int>, rows: Range<Int>, part: Range<Int>,
    into patches: inout MutableSpan<Scalar>
  ) {
    guard !rows.isEmpty, !part.isEmpty else { return }
    check(rows, channels: width, sourceCount: source.count)
    precondition(channels.lowerBound >= 0 && channels.upperBound <= width)
    precondition(part.lowerBound >= 0 && part.upperBound <= kernelCount * channels.count)
    precondition(patches.count >= rows.count * part.count)
    let size = MemoryLayout<Scalar>.size
    var windows = kernelArgument
    // SAFETY: checked above.
    unsafe source.withUnsafeBytes { source in
      unsafe patches.withUnsafeMutableBytes { patches in
        guard let source = source.baseAddress, let patches = patches.baseAddress else { return }
        unsafe cairn_gather_patches(
          &windows, source.assumingMemoryBound(to: UInt8.self), width * size,
          channels.lowerBound * size, channels.count * size, rows.lowerBound, rows.count,
          part.lowerBound * size, part.upperBound * size,
          patches.assumingMemoryBound(to: UInt8.self))
      }
    }
  }

  /// For each of the windows in `rows` and each channel the sum of the values under it, each times a
  /// weight; then `bias` is added unless it is empty. A sum is one chain of fused multiply-adds in the
  /// order of the taps.
  ///
  /// - Precondition: `source` has its channels last; `weights` has as many for each tap.
  func convolve<Scalar: FloatScalar>(
    _ source: Span<Scalar>, channels: Int, by weights: [Scalar], adding bias: [Scalar],
    rows: Range<Int>, into result: inout MutableSpan<Scalar>
  ) {
    guard !rows.isEmpty, channels > 0 else { return }
    check(rows, channels: channels, sourceCount: source.count)
    precondition(weights.count == kernelCount * channels)
    precondition(bias.isEmpty || bias.count == channels)
    precondition(result.count >= rows.count * channels)
    var windows = kernelArgument
    // SAFETY: checked above.
    unsafe source.withUnsafeBufferPointer { source in
      unsafe weights.withUnsafeBufferPointer { weights in
        unsafe bias.withUnsafeBufferPointer { bias in
          unsafe result.withUnsafeMutableBufferPointer { result in
            guard let source = source.baseAddress, let weights = weights.baseAddress,
              let result = result.baseAddress
            else { return }
            unsafe Scalar.convolve(
              &windows, source, channels: channels, by: weights,
              adding: bias.isEmpty ? nil : bias.baseAddress, rows, into: result)
          }
        }
      }
    }
  }

  /// For each of the windows in `rows` and each channel the largest value (a NaN stays) or the mean.
  ///
  /// - Precondition: `source` has its channels last.
  func pool<Scalar: FloatScalar>(
    _ source: Span<Scalar>, channels: Int, takingLargest: Bool, rows: Range<Int>,
    into result: inout MutableSpan<Scalar>
  ) {
    guard !rows.isEmpty, channels > 0 else { return }
    check(rows, channels: channels, sourceCount: source.count)
    precondition(result.count >= rows.count * channels)
    var windows = kernelArgument
    // SAFETY: checked above.
    unsafe source.withUnsafeBufferPointer { source in
      unsafe result.withUnsafeMutableBufferPointer { result in
        guard let source = source.baseAddress, let result = result.baseAddress else { return }
        unsafe Scalar.pool(
          Int32(takingLargest ? CAIRN_POOL_MAXIMUM : CAIRN_POOL_AVERAGE), &windows, source,
          channels: channels, rows, into: result)
      }
    }
  }
}
