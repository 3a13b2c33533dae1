// How a chunk's elements are laid out as planes before they are coded.
// FORMAT.md, section "Chunks and planes".

/// The reordering of a chunk's bytes that comes before its stream.
///
/// The raw values are those that the format stores.
package enum PlaneFilter: UInt8, Sendable, CaseIterable {
  /// The bytes as they are: one plane.
  case none = 0
  /// Plane `j` holds byte `j` of every little-endian element; the planes follow one another from
  /// the lowest to the most significant.
  case bytePlanes = 1
  /// Byte planes of the elements rotated left by one bit as unsigned integers: the sign goes to
  /// bit 0, and the top byte of a float32 or bfloat16 is its whole exponent.
  case rotatedBytePlanes = 2

  /// Whether elements are taken apart at all.
  package var hasPlanes: Bool {
    switch self {
    case .none: false
    case .bytePlanes, .rotatedBytePlanes: true
    }
  }

  /// Whether they are rotated before.
  var rotates: Bool {
    switch self {
    case .none, .bytePlanes: false
    case .rotatedBytePlanes: true
    }
  }
}

/// A filter together with the size of the elements that it takes apart.
package struct ChunkLayout: Hashable, Sendable {
  /// The largest logical length of a chunk, 16 MiB: the format's limit.
  package static let largestLogicalLength = 1 << 24

  /// The reordering.
  package let filter: PlaneFilter
  /// The bytes of one element: 1, 2, 4 or 8.
  package let elementSize: Int

  /// A layout of `elementSize` bytes an element.
  ///
  /// - Throws: `invalidArgument` if the size is not 1, 2, 4 or 8, or if it is 1 and there is a
  ///   filter: a byte has a single plane, and one layout has one description.
  package init(filter: PlaneFilter, elementSize: Int) throws(CodecError) {
    guard [1, 2, 4, 8].contains(elementSize) else {
      throw CodecError(.invalidArgument, "an element of \(elementSize) bytes has no layout")
    }
    guard !filter.hasPlanes || elementSize > 1 else {
      throw CodecError(.invalidArgument, "an element of one byte has no byte planes")
    }
    self.filter = filter
    self.elementSize = elementSize
  }

  /// The number of planes that a chunk of this layout is coded as.
  package var planeCount: Int { filter.hasPlanes ? elementSize : 1 }

  /// Throws `invalidArgument` unless a chunk of this layout can have `length` logical bytes.
  func check(logicalLength length: Int) throws(CodecError) {
    guard length <= Self.largestLogicalLength else {
      throw CodecError(
        .invalidArgument,
        "a chunk of \(length) bytes is larger than \(Self.largestLogicalLength)")
    }
    guard length.isMultiple(of: elementSize) else {
      throw CodecError(
        .invalidArgument,
        "\(length) bytes are not a whole number of elements of \(elementSize) bytes")
    }
  }
}
