// Products and windows in C, for either type. Unsafe code: pointers passed on to C, which looks at no
// bounds. They are checked by the only callers, `PackedMatrix` and `Windows+Kernels`.

internal import CCairnKernels

/// A type that the kernels in C compute in.
protocol KernelScalar: BitwiseCopyable, Sendable {
  /// The columns of a panel of a packed matrix.
  static var panelWidth: Int { get }
  /// `CCairnKernels`, `cairn_pack_f32`.
  static func pack(
    _ right: UnsafePointer<Self>, stride: Int, inner: Int, columns: Int,
    into packed: UnsafeMutablePointer<Self>)
  /// `CCairnKernels`, `cairn_multiply_f32`.
  static func multiply(_ product: KernelProduct<Self>)
  /// `CCairnKernels`, `cairn_depthwise_f32`.
  static func convolve(
    _ windows: inout cairn_windows, _ source: UnsafePointer<Self>, channels: Int,
    by weights: UnsafePointer<Self>, adding bias: UnsafePointer<Self>?, _ rows: Range<Int>,
    into result: UnsafeMutablePointer<Self>)
  /// `CCairnKernels`, `cairn_pool_f32`.
  static func pool(
    _ function: Int32, _ windows: inout cairn_windows, _ source: UnsafePointer<Self>,
    channels: Int, _ rows: Range<Int>, into result: UnsafeMutablePointer<Self>)
}

/// The operands of a product, as `cairn_product_f32` explains them.
@safe struct KernelProduct<Scalar> {
  var left: UnsafePointer<Scalar>
  var leftStride: Int
  var rows: Int
  var inner: Int
  var packed: UnsafePointer<Scalar>
  var packedInner: Int
  var columns: Int
  var bias: UnsafePointer<Scalar>?
  var result: UnsafeMutablePointer<Scalar>
  var resultStride: Int
  var continues: Bool
}

/// How products are computed: all ways give the same bits.
enum ProductWay {
  /// The quickest way that this machine has.
  static let best = cairn_product_best()
  /// Another way. Only tests set it, in the scope of `$forced.withValue`.
  @TaskLocal static var forced: Int32?
  /// Those that this machine has.
  static var all: [Int32] {
    (0..<Int32(CAIRN_PRODUCT_WAYS)).filter { cairn_product_has($0) != 0 }
  }
}

extension Float: KernelScalar {
  static var panelWidth: Int { Int(CAIRN_PANEL_F32) }

  static func pack(
    _ right: UnsafePointer<Float>, stride: Int, inner: Int, columns: Int,
    into packed: UnsafeMutablePointer<Float>
  ) { unsafe cairn_pack_f32(right, stride, inner, columns, packed) }

  static func multiply(_ product: KernelProduct<Float>) {
    var operands = unsafe cairn_product_f32(
      left: product.left, left_stride: product.leftStride, rows: product.rows,
      inner: product.inner, packed: product.packed, packed_inner: product.packedInner,
      columns: product.columns, bias: product.bias, result: product.result,
      result_stride: product.resultStride, continues: product.continues ? 1 : 0)
    unsafe cairn_multiply_f32(ProductWay.forced ?? ProductWay.best, &operands)
  }

  static func convolve(
    _ windows: inout cairn_windows, _ source: UnsafePointer<Float>, channels: Int,
    by weights: UnsafePointer<Float>, adding bias: UnsafePointer<Float>?, _ rows: Range<Int>,
    into result: UnsafeMutablePointer<Float>
  ) {
    unsafe cairn_depthwise_f32(
      ProductWay.forced ?? ProductWay.best, &windows, source, channels, weights, bias,
      rows.lowerBound, rows.count, result)
  }

  static func pool(
    _ function: Int32, _ windows: inout cairn_windows, _ source: UnsafePointer<Float>,
    channels: Int, _ rows: Range<Int>, into result: UnsafeMutablePointer<Float>
  ) {
    unsafe cairn_pool_f32(
      function, &windows, source, channels, rows.lowerBound, rows.count, result)
  }
}

extension Double: KernelScalar {
  static var panelWidth: Int { Int(CAIRN_PANEL_F64) }

  static func pack(
    _ right: UnsafePointer<Double>, stride: Int, inner: Int, columns: Int,
    into packed: UnsafeMutablePointer<Double>
  ) { unsafe cairn_pack_f64(right, stride, inner, columns, packed) }

  static func multiply(_ product: KernelProduct<Double>) {
    var operands = unsafe cairn_product_f64(
      left: product.left, left_stride: product.leftStride, rows: product.rows,
      inner: product.inner, packed: product.packed, packed_inner: product.packedInner,
      columns: product.columns, bias: product.bias, result: product.result,
      result_stride: product.resultStride, continues: product.continues ? 1 : 0)
    unsafe cairn_multiply_f64(ProductWay.forced ?? ProductWay.best, &operands)
  }

  static func convolve(
    _ windows: inout cairn_windows, _ source: UnsafePointer<Double>, channels: Int,
    by weights: UnsafePointer<Double>, adding bias: UnsafePointer<Double>?, _ rows: Range<Int>,
    into result: UnsafeMutablePointer<Double>
  ) {
    unsafe cairn_depthwise_f64(
      ProductWay.forced ?? ProductWay.best, &windows, source, channels, weights, bias,
      rows.lowerBound, rows.count, result)
  }

  static func pool(
    _ function: Int32, _ windows: inout cairn_windows, _ source: UnsafePointer<Double>,
    channels: Int, _ rows: Range<Int>, into result: UnsafeMutablePointer<Double>
  ) {
    unsafe cairn_pool_f64(
      function, &windows, source, channels, rows.lowerBound, rows.count, result)
  }
}
