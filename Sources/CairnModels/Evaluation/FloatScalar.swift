// The types that layers compute in, and what C's library has for both of them.

import CairnSystem
import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which of the two types is computed in: float32 or float64. Results in 16-bit types are computed
/// in float32 and then rounded.
enum Precision: Sendable {
  case single, double

  /// The precision in which results of that type are computed.
  init(for dtype: DType) { self = dtype == .float64 ? .double : .single }

  /// The element type of what is computed.
  var dtype: DType { self == .double ? .float64 : .float32 }

  /// The result of work in this precision. The type that is computed in is chosen only here.
  @inline(__always)
  func run<Work: FloatWork>(_ work: Work) throws(CairnError) -> Work.Result {
    switch self {
    case .single: try work.run(as: Float.self)
    case .double: try work.run(as: Double.self)
    }
  }

  /// As above, for a tensor that is changed in place.
  @inline(__always)
  func run<Change: FloatChange>(
    _ change: Change, on tensor: inout Tensor
  ) throws(CairnError) {
    switch self {
    case .single: try change.apply(to: &tensor, as: Float.self)
    case .double: try change.apply(to: &tensor, as: Double.self)
    }
  }
}

/// What can be computed in either type.
///
/// Where possible each piece of work is a type of its own, not a generic type: a release build then
/// contains both versions of all its code.
protocol FloatWork {
  associatedtype Result
  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Result
}

/// What can be done to the elements of a tensor of either type.
protocol FloatChange {
  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type
  ) throws(CairnError)
}

extension FloatChange {
  /// As above, in the type of the tensor's elements.
  func apply(to tensor: inout Tensor) throws(CairnError) {
    try Precision(for: tensor.dtype).run(self, on: &tensor)
  }
}

/// A type that layers compute in: `Float` or `Double`.
///
/// Code that is generic over it stays within the module. A release build then contains both
/// versions of that code, and only chooses between them at run time, by ``Precision``.
protocol FloatScalar: BinaryFloatingPoint, TensorScalar, KernelScalar {
  /// The value in double precision.
  var double: Double { get }
  /// A function of C's library, in this precision.
  static func value(_ function: Elementary, _ x: Self) -> Self
  static func value(_ function: ElementaryOfTwo, _ x: Self, _ y: Self) -> Self
}

/// A function of one number in C's library, by its name there.
enum Elementary: Sendable {
  case exp, expm1, exp2, log, log1p, log2, log10, cbrt, erf, erfc
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh

  /// The function's value.
  @inline(__always)
  func callAsFunction<Scalar: FloatScalar>(_ x: Scalar) -> Scalar { Scalar.value(self, x) }
}

/// A function of two numbers in C's library, by its name there.
enum ElementaryOfTwo: Sendable {
  case pow, atan2, hypot, fmod

  /// The function's value.
  @inline(__always)
  func callAsFunction<Scalar: FloatScalar>(_ x: Scalar, _ y: Scalar) -> Scalar {
    Scalar.value(self, x, y)
  }
}

extension Float: FloatScalar {
  @inline(__always)
  var double: Double { Double(self) }

  @inline(__always)
  static func value(_ function: Elementary, _ x: Float) -> Float {
    switch function {
    case .exp: expf(x)
    case .expm1: expm1f(x)
    case .exp2: exp2f(x)
    case .log: logf(x)
    case .log1p: log1pf(x)
    case .log2: log2f(x)
    case .log10: log10f(x)
    case .cbrt: cbrtf(x)
    case .erf: erff(x)
    case .erfc: erfcf(x)
    case .sin: sinf(x)
    case .cos: cosf(x)
    case .tan: tanf(x)
    case .asin: asinf(x)
    case .acos: acosf(x)
    case .atan: atanf(x)
    case .sinh: sinhf(x)
    case .cosh: coshf(x)
    case .tanh: tanhf(x)
    case .asinh: asinhf(x)
    case .acosh: acoshf(x)
    case .atanh: atanhf(x)
    }
  }

  @inline(__always)
  static func value(_ function: ElementaryOfTwo, _ x: Float, _ y: Float) -> Float {
    switch function {
    case .pow: powf(x, y)
    case .atan2: atan2f(x, y)
    case .hypot: hypotf(x, y)
    case .fmod: fmodf(x, y)
    }
  }
}

extension Double: FloatScalar {
  @inline(__always)
  var double: Double { self }

  @inline(__always)
  static func value(_ function: Elementary, _ x: Double) -> Double {
    switch function {
    case .exp: exp(x)
    case .expm1: expm1(x)
    case .exp2: exp2(x)
    case .log: log(x)
    case .log1p: log1p(x)
    case .log2: log2(x)
    case .log10: log10(x)
    case .cbrt: cbrt(x)
    case .erf: erf(x)
    case .erfc: erfc(x)
    case .sin: sin(x)
    case .cos: cos(x)
    case .tan: tan(x)
    case .asin: asin(x)
    case .acos: acos(x)
    case .atan: atan(x)
    case .sinh: sinh(x)
    case .cosh: cosh(x)
    case .tanh: tanh(x)
    case .asinh: asinh(x)
    case .acosh: acosh(x)
    case .atanh: atanh(x)
    }
  }

  @inline(__always)
  static func value(_ function: ElementaryOfTwo, _ x: Double, _ y: Double) -> Double {
    switch function {
    case .pow: pow(x, y)
    case .atan2: atan2(x, y)
    case .hypot: hypot(x, y)
    case .fmod: fmod(x, y)
    }
  }
}
