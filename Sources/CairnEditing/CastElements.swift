// Elements of another type, and those of a source, as `ElementBytes`.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors

/// The elements of one tensor of a source.
struct SourceElements: ElementBytes {
  let source: any TensorSource
  let index: Int
  let count: Int

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try source.read(at: index, from: offset, into: &bytes)
  }

  func memory() throws(CairnError) -> ByteRegion? { try source.memory(at: index) }
}

/// Elements that are converted as they are read.
struct CastElements: ElementBytes {
  private let base: any ElementBytes
  private let source: DType
  private let target: DType
  private let elementCount: Int
  let count: Int

  /// The most elements in memory at a time: a multiple of eight, which begin and end between bytes
  /// whatever the type.
  private static let stepElementCount = 1 << 16

  /// The `elementCount` elements of `base`, which are of type `source`, as `target`.
  ///
  /// - Throws: `noConversion` from strings, quantised blocks and complex numbers to what cannot hold
  ///   them; `invalidShape` if the bytes cannot be counted.
  init(
    _ base: any ElementBytes, _ source: DType, to target: DType, elementCount: Int
  ) throws(CairnError) {
    // Tells types between which there is no conversion.
    _ = try Tensor(zeros: source, shape: [0]).cast(to: target)
    guard let count = target.byteCount(elements: elementCount) else {
      throw CairnError(.invalidShape, "converted, the tensor has more bytes than can be counted")
    }
    self.base = base
    self.source = source
    self.target = target
    self.elementCount = elementCount
    self.count = count
  }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    guard bytes.count > 0, let width = target.bitWidth else { return }
    // Eight elements take as many bytes as one takes bits.
    try withWholeElements(width: width, from: offset, of: count, &bytes) {
      (start, elements) throws(CairnError) in
      var first = start / width * 8
      var done = 0
      while done < elements.count {
        let step = min(Self.stepElementCount / 8 * width, elements.count - done)
        let count = min(step / width * 8 + (step % width == 0 ? 0 : 8), elementCount - first)
        let converted = try convert(first, count)
        try elements.withPart(done..<done + step) { (part) throws(CairnError) in
          converted.copyBytes(from: 0, into: &part)
        }
        first += count
        done += step
      }
    }
  }

  /// The converted elements from `first`, which is a multiple of eight, on.
  private func convert(_ first: Int, _ count: Int) throws(CairnError) -> Tensor {
    let offset = first / 8 * (source.bitWidth ?? 8)
    let part = try Tensor(
      dtype: source, shape: .vector(count), byteCount: source.byteCount(elements: count) ?? 0
    ) { (bytes) throws(CairnError) in
      try base.read(from: offset, into: &bytes)
      try ElementRules.check(bytes.span, dtype: source, elementCount: count)
    }
    do throws(CairnError) { return try part.cast(to: target) } catch {
      var moved = error
      if let index = error.location.index { moved.location.index = first + index }
      throw moved
    }
  }
}
