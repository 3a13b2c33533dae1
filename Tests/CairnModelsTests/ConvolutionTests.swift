// Convolutions and pooling against plain loops, place by place.

import CairnSystem
import CairnTensors
import Testing

@testable import CairnModels

@Suite("Convolutions")
struct ConvolutionTests {
  private static let cases: [Case] = [
    Case([5], kernel: [3], channels: 4, filters: 5),
    Case([9], kernel: [3], strides: [2], channels: 1, filters: 17, padding: .same),
    Case([12], kernel: [4], dilation: [3], channels: 6, filters: 4, padding: .causal, groups: 2),
    Case([6, 7], kernel: [3, 3], channels: 3, filters: 8, padding: .same),
    Case([9, 8], kernel: [7, 7], strides: [2, 2], channels: 3, filters: 16, padding: .same),
    Case([8, 8], kernel: [1, 1], channels: 20, filters: 33),
    Case([8, 9], kernel: [1, 1], strides: [2, 2], channels: 20, filters: 9),
    Case([7, 9], kernel: [2, 3], dilation: [2, 3], channels: 40, filters: 18, padding: .same),
    Case([6, 6], kernel: [3, 3], channels: 60, filters: 12, padding: .same, groups: 3),
    Case([20, 20], kernel: [3, 3], channels: 8, filters: 24, padding: .same),
    Case([4, 5, 3], kernel: [2, 3, 2], strides: [1, 2, 1], channels: 5, filters: 7),
    Case([4, 4, 4], kernel: [3, 3, 3], channels: 4, filters: 6, padding: .same, groups: 2),
    Case([3, 3], kernel: [3, 3], channels: 2, filters: 3, examples: 0),
  ]

  struct Case: Sendable, CustomTestStringConvertible {
    let spatial: [Int]
    let window: ConvolutionWindow
    let channels: Int
    let filters: Int
    let groups: Int
    let examples: Int

    init(
      _ spatial: [Int], kernel: [Int], strides: [Int]? = nil, dilation: [Int]? = nil, channels: Int,
      filters: Int, padding: Padding = .valid, groups: Int = 1, examples: Int = 2
    ) {
      self.spatial = spatial
      window = ConvolutionWindow(
        kernelSize: kernel, strides: strides, dilation: dilation, padding: padding)
      (self.channels, self.filters) = (channels, filters)
      (self.groups, self.examples) = (groups, examples)
    }

    var testDescription: String { "\(spatial), \(window.kernelSize), \(channels) to \(filters)" }
  }

  private func random(_ dimensions: [Int], _ seed: UInt64) throws -> Tensor {
    try Initializer.randomNormal(deviation: 1).values(
      shape: Shape(dimensions), dtype: .float32, seed: seed)
  }

  /// For each window and tap the place in the source, tap by tap, or nil outside of it.
  private func places(_ windows: Windows, window: Int) -> [Int?] {
    let axes = windows.axes
    var rest = window
    var starts = [0, 0, 0]
    for axis in [2, 1, 0] {
      starts[axis] = rest % axes[axis].output * axes[axis].stride - axes[axis].before
      rest /= axes[axis].output
    }
    var places: [Int?] = []
    for tap in 0..<windows.kernelCount {
      let taps = [
        tap / axes[2].kernel / axes[1].kernel, tap / axes[2].kernel % axes[1].kernel,
        tap % axes[2].kernel,
      ]
      let at = (0..<3).map { starts[$0] + taps[$0] * axes[$0].dilation }
      let isInside = (0..<3).allSatisfy { (0..<axes[$0].input).contains(at[$0]) }
      places.append(isInside ? (at[0] * axes[1].input + at[1]) * axes[2].input + at[2] : nil)
    }
    return places
  }

  @Test("A convolution is the sum over the window, whatever the threads", arguments: cases)
  func convolution(_ test: Case) throws {
    let width = test.channels / test.groups
    let source = try random([test.examples] + test.spatial + [test.channels], 1)
    let kernel = try random(test.window.kernelSize + [width, test.filters], 2)
    let bias = try random([test.filters], 3)
    var results: [Tensor] = []
    for threads in [1, 3] {
      results.append(
        try source.convolved(
          with: kernel, adding: bias, over: test.window, groups: test.groups,
          in: EvaluationContext(threads: Threads(threads))))
    }
    #expect(results[0] == results[1])
    let windows = test.window.windows(over: source)
    let found: [Float] = try results[0].scalars()
    #expect(found.count == test.examples * windows.count * test.filters)
    let (x, w, b): ([Float], [Float], [Float]) = (
      try source.scalars(), try kernel.scalars(), try bias.scalars()
    )
    for index in found.indices {
      let (row, filter) = index.quotientAndRemainder(dividingBy: test.filters)
      let (example, window) = row.quotientAndRemainder(dividingBy: windows.count)
      let first = filter / (test.filters / test.groups) * width
      var sum: Float = 0
      for (tap, place) in places(windows, window: window).enumerated() {
        for channel in 0..<width {
          let value = place.map {
            x[(example * windows.inputCount + $0) * test.channels + first + channel]
          }
          sum.addProduct(value ?? 0, w[(tap * width + channel) * test.filters + filter])
        }
      }
      #expect(found[index] == sum + b[filter])
    }
  }

  @Test("A depthwise convolution is the sum of each channel's window", arguments: cases)
  func depthwise(_ test: Case) throws {
    let multiplier = test.groups
    let source = try random([test.examples] + test.spatial + [test.channels], 1)
    let kernel = try random(test.window.kernelSize + [test.channels, multiplier], 2)
    let width = test.channels * multiplier
    let bias = try random([width], 3)
    let result = try source.depthwiseConvolved(
      with: kernel, adding: bias, over: test.window, in: EvaluationContext(threads: 2))
    let windows = test.window.windows(over: source)
    let found: [Float] = try result.scalars()
    #expect(found.count == test.examples * windows.count * width)
    let (x, w, b): ([Float], [Float], [Float]) = (
      try source.scalars(), try kernel.scalars(), try bias.scalars()
    )
    for index in found.indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: width)
      let (example, window) = row.quotientAndRemainder(dividingBy: windows.count)
      var sum: Float = 0
      for (tap, place) in places(windows, window: window).enumerated() {
        guard let place else { continue }
        let value = (example * windows.inputCount + place) * test.channels + column / multiplier
        sum.addProduct(x[value], w[tap * width + column])
      }
      #expect(found[index] == sum + b[column])
    }
  }

  @Test("Pooling takes the largest or the mean of what lies within the source", arguments: cases)
  func pooling(_ test: Case) throws {
    let source = try random([test.examples] + test.spatial + [test.channels], 1)
    let windows = test.window.windows(over: source)
    let x: [Float] = try source.scalars()
    for function in [PoolingFunction.maximum, .average] where test.examples > 0 {
      var found = [Float](repeating: 7, count: test.examples * windows.count * test.channels)
      let rows = 0..<test.examples * windows.count
      var span = found.mutableSpan
      windows.pool(
        x.span, channels: test.channels, takingLargest: function == .maximum, rows: rows,
        into: &span)
      for index in found.indices {
        let (row, channel) = index.quotientAndRemainder(dividingBy: test.channels)
        let (example, window) = row.quotientAndRemainder(dividingBy: windows.count)
        let values = places(windows, window: window).compactMap { $0 }.map {
          x[(example * windows.inputCount + $0) * test.channels + channel]
        }
        let expected =
          function == .maximum ? values.max() : values.reduce(0, +) / Float(values.count)
        #expect(found[index] == expected)
      }
    }
  }

  @Test("The largest of values with a NaN is NaN")
  func poolingOfNaN() throws {
    let windows = Windows([3], kernel: [3], strides: [1], dilation: [1], padding: .valid)
    for values in [[1, .nan, 2], [.nan, 1, 2], [1, 2, .nan]] as [[Float]] {
      var found: [Float] = [0]
      var span = found.mutableSpan
      windows.pool(values.span, channels: 1, takingLargest: true, rows: 0..<1, into: &span)
      #expect(found[0].isNaN)
    }
  }
}

@Suite("Passes over elements")
struct ElementPassTests {
  private static let count = 1 << 18

  private func numbers() throws -> Tensor {
    try Tensor((0..<Self.count).map { Float($0) })
  }

  @Test("Every element is gone through once, in place and elsewhere")
  func passes() throws {
    var tensor = try numbers()
    let doubled = try tensor.mapped(threads: 3) { (x: Float) in 2 * x }
    #expect(try doubled.scalars() == (0..<Self.count).map { Float(2 * $0) })
    let sum = try tensor.paired(with: doubled, threads: 3) { (x: Float, y: Float) in x + y }
    #expect(try sum.scalars() == (0..<Self.count).map { Float(3 * $0) })
    let before = tensor.storageIdentity
    try tensor.map(threads: 3) { (x: Float) in x + 1 }
    #expect(tensor.storageIdentity == before)
    let shared = tensor
    try tensor.map(threads: 3) { (x: Float) in x + 1 }
    #expect(tensor.storageIdentity != before)
    #expect(try shared.scalars() == (0..<Self.count).map { Float($0 + 1) })
    #expect(try tensor.scalars() == (0..<Self.count).map { Float($0 + 2) })
  }

  @Test("Channels are scaled by their own factors", arguments: [1, 3])
  func scaling(_ inner: Int) throws {
    let tensor = try Tensor((0..<12 * inner).map { Float($0) })
    let scaled = try tensor.scaled(
      by: [1, 10, 100] as [Float], adding: [0, 1, 2], inner: inner, threads: 2)
    let expected = (0..<12 * inner).map { index -> Float in
      let channel = index / inner % 3
      return Float(index) * [1, 10, 100][channel] + Float(channel)
    }
    #expect(try scaled.scalars() == expected)
  }
}
