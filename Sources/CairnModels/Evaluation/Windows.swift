// Windows that pass over the spatial dimensions of a tensor: where they lie, and how many there
// are. Keras `ops/operation_utils.py`, `compute_conv_output_shape`.

import CairnSystem
import CairnTensors

/// One dimension of a window that is moved along a tensor.
struct WindowAxis: Hashable, Sendable {
  /// The tensor's length.
  var input = 1
  /// The window's taps, and the distances between neighbouring ones.
  var kernel = 1
  var dilation = 1
  /// The distance from one window to the next.
  var stride = 1
  /// The number of places in front of the tensor that the first window covers.
  var before = 0
  /// The number of windows.
  var output = 1

  init() {}

  /// A window over `input` places; the number of windows is not positive if none fits.
  init(input: Int, kernel: Int, stride: Int, dilation: Int, padding: Padding) {
    (self.input, self.kernel, self.stride, self.dilation) = (input, kernel, stride, dilation)
    let extent = (kernel - 1) * dilation + 1
    switch padding {
    case .valid:
      output = Self.floorDivide(input - extent, stride) + 1
    case .same:
      output = (input + stride - 1) / stride
      // If the number of places is odd, the extra one is at the end.
      before = max((output - 1) * stride + extent - input, 0) / 2
    case .causal:
      before = extent - 1
      output = Self.floorDivide(input - 1, stride) + 1
    }
  }

  /// Rounded down, as Python's `//`.
  private static func floorDivide(_ a: Int, _ b: Int) -> Int {
    a >= 0 ? a / b : -((-a + b - 1) / b)
  }

  /// The number of windows over a dimension, or nil if its length is not known.
  static func count(
    _ input: Int?, kernel: Int, stride: Int, dilation: Int, padding: Padding
  ) -> Int? {
    input.map {
      WindowAxis(input: $0, kernel: kernel, stride: stride, dilation: dilation, padding: padding)
        .output
    }
  }
}

/// Windows over up to three spatial dimensions of `(n, …, c)`; missing ones have length 1.
struct Windows: Sendable {
  /// Always three; the tensor's spatial dimensions are the last of them.
  let axes: [WindowAxis]

  init(
    _ input: [Int], kernel: [Int], strides: [Int], dilation: [Int], padding: Padding
  ) {
    var axes = [WindowAxis](repeating: WindowAxis(), count: 3 - input.count)
    for (axis, length) in input.enumerated() {
      axes.append(
        WindowAxis(
          input: length, kernel: kernel[axis], stride: strides[axis], dilation: dilation[axis],
          padding: padding))
    }
    self.axes = axes
  }

  /// The number of windows in an example.
  var count: Int { axes.reduce(1) { $0 * max($1.output, 0) } }
  /// The number of places in an example.
  var inputCount: Int { axes.reduce(1) { $0 * $1.input } }
  /// The number of taps in a window.
  var kernelCount: Int { axes.reduce(1) { $0 * $1.kernel } }
}

/// The number of spatial dimensions of a layer, as a type: `Conv2D` is ``Convolution`` over
/// ``TwoDimensional``.
public protocol SpatialRank: Sendable {
  /// 1, 2 or 3.
  static var rank: Int { get }
}

/// The ranks of this module.
protocol OwnRank: SpatialRank {
  static var own: Int { get }
}

extension OwnRank {
  /// The rank's own number.
  public static var rank: Int { own }
}

/// One spatial dimension: `(n, steps, c)`.
public enum OneDimensional: OwnRank { static let own = 1 }

/// Two spatial dimensions: `(n, height, width, c)`.
public enum TwoDimensional: OwnRank { static let own = 2 }

/// Three spatial dimensions: `(n, depth, height, width, c)`.
public enum ThreeDimensional: OwnRank { static let own = 3 }
