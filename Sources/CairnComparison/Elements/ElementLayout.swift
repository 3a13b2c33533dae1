// How the bytes of a tensor fall into elements, and what the bits of an element mean.

import CairnSystem
import CairnTensors

/// The elements of a type, for comparing: a number of equal parts, each of some bits.
///
/// A quantised block counts as one element. Strings are no such type.
struct ElementLayout: Sendable {
  /// What the bits of a part stand for.
  enum Meaning: Hashable, Sendable {
    case float(FloatLayout)
    case signed
    case unsigned
    /// Nothing that could be measured: bools and quantised blocks.
    case opaque
  }

  var meaning: Meaning
  /// The bits of a part; of a quantised block, all of it.
  var bitWidth: Int
  /// 2 for complex numbers.
  var parts = 1
  /// The smallest run of bytes that begins and ends between elements.
  var granule: (bytes: Int, elements: Int)

  /// The layout of a type; nil for strings.
  init?(_ dtype: DType) {
    granule = dtype.granule
    let row = dtype.row
    switch row.kind {
    case .strings: return nil
    case .blocks:
      (meaning, bitWidth) = (.opaque, 8 * granule.bytes)
      granule.elements = 1
      return
    case .truth: meaning = .opaque
    case .integer(let isSigned): meaning = isSigned ? .signed : .unsigned
    case .complex:
      parts = 2
      fallthrough
    case .float:
      guard let layout = FloatLayout(dtype) else { return nil }
      meaning = .float(layout)
    }
    guard let bits = row.bits else { return nil }
    bitWidth = bits / parts
  }

  /// The largest number of bytes up to `count` that is a whole number of granules.
  func wholeGranules(upTo count: Int) -> Int {
    max(granule.bytes, count / granule.bytes * granule.bytes)
  }

  /// The bits of part number `index` of elements that begin at the start of `bytes`; at most 64.
  ///
  /// One case a width, so that each is a single load.
  func bits(of bytes: Span<UInt8>, part index: Int) -> UInt64 {
    switch bitWidth {
    case 8: return UInt64(bytes[index])
    case 16: return UInt64(Self.load(bytes, 2 * index, UInt16.self))
    case 32: return UInt64(Self.load(bytes, 4 * index, UInt32.self))
    case 64: return Self.load(bytes, 8 * index, UInt64.self)
    default:
      // Packed, least significant bits first; an element of 6 bits may straddle two bytes.
      let start = index * bitWidth
      var bits = UInt64(bytes[start / 8]) >> UInt64(start % 8)
      let have = 8 - start % 8
      if have < bitWidth { bits |= UInt64(bytes[start / 8 + 1]) << UInt64(have) }
      return bits & ((1 << UInt64(bitWidth)) - 1)
    }
  }

  @inline(__always)
  private static func load<T: FixedWidthInteger & UnsignedInteger>(
    _ bytes: Span<UInt8>, _ start: Int, _ type: T.Type
  ) -> T {
    var value: T = 0
    for byte in 0..<T.bitWidth / 8 { value |= T(bytes[start + byte]) << T(8 * byte) }
    return value
  }

  /// The number with those bits, for types of integers.
  func integer(_ bits: UInt64) -> Int64 {
    let unused = UInt64(64 - bitWidth)
    return Int64(bitPattern: bits << unused) >> Int64(unused)
  }
}
