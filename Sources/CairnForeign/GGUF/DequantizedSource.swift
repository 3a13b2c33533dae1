// Floats made of quantised blocks, on request.

public import CairnCheckpoints
public import CairnSystem
import CairnTensors

extension TensorSource {
  /// The same source with quantised blocks, float16 and bfloat16 tensors as float32. It knows the
  /// block types of llama.cpp Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ1 to IQ4, TQ1_0, TQ2_0,
  /// MXFP4 and NVFP4, and gives the same bits as the `gguf` package. Everything else stays as it
  /// is.
  ///
  /// - Throws: `noConversion` for blocks of an unknown type, with the tensor's name.
  public func dequantized() throws(CairnError) -> any TensorSource { try DequantizedSource(self) }
}

/// A source that shows quantised blocks and small floats as float32.
package struct DequantizedSource: TensorWrapper {
  package let base: any TensorSource

  /// The tensors of `base`, dequantised.
  ///
  /// - Throws: `noConversion` for blocks of an unknown type, with the tensor's name.
  package init(_ base: any TensorSource) throws(CairnError) {
    self.base = base
    for index in 0..<base.count {
      let entry = try base.entry(at: index)
      guard case .quantized(let block) = entry.dtype, Dequantizer(entry.dtype) == nil else {
        continue
      }
      throw CairnError(
        .noConversion, "blocks of this type cannot be dequantised",
        at: .init(name: entry.name.string),
        expected: "a type that the ‘gguf’ package dequantises",
        found: GGMLType.name(of: block) ?? "\(entry.dtype)",
        advice: "Leave it out by name, or leave blocks as they are",
        remedies: [.exclude, .keepBlocks])
    }
  }

  /// The base, for tensors that are shown unchanged.
  package func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    try Dequantizer(base.entry(at: index).dtype) == nil ? TensorOrigin(base, index) : nil
  }

  /// The base's bound times 16, since floats take more bytes than blocks.
  package var plausibleByteCount: Int { base.plausibleByteCount.multipliedSaturated(by: 16) }

  /// The base's entry, with float32 as the type if the tensor is dequantised.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    var entry = try base.entry(at: index)
    guard Dequantizer(entry.dtype) != nil else { return entry }
    guard let bytes = DType.float32.byteCount(elements: entry.shape.elementCount) else {
      throw CairnError(
        .invalidShape, "dequantised, the tensor has more bytes than can be counted",
        at: .init(name: entry.name.string))
    }
    entry.dtype = .float32
    entry.byteCount = bytes
    return entry
  }

  /// Fills `bytes` with the floats from byte `offset` on.
  package func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let original = try base.entry(at: index)
    guard let dequantizer = Dequantizer(original.dtype) else {
      return try base.read(at: index, from: offset, into: &bytes)
    }
    let seen = try entry(at: index)
    try checkRange(of: seen, from: offset, count: bytes.count)
    guard bytes.count > 0 else { return }
    let width = dequantizer.elementCount * 4
    try withWholeElements(width: width, from: offset, of: seen.byteCount, &bytes) {
      (start, floats) throws(CairnError) in
      let first = start / width * dequantizer.byteCount
      let count = floats.count / width * dequantizer.byteCount
      let blocks = try Storage(byteCount: count, zeroed: false)
      try blocks.withMutableBytes(in: 0..<count) { (target) throws(CairnError) in
        try base.read(at: index, from: first, into: &target)
      }
      blocks.withBytes(in: 0..<count) { dequantizer.run($0, into: &floats) }
    }
  }
}
