// A safetensors file as a source of tensors: read lazily, from any source of bytes.

package import CairnCheckpoints
package import CairnSystem
package import CairnTensors

#if _endian(big)
  #error("Tensors are kept and read in little-endian order")
#endif

/// A safetensors file, opened and checked.
///
/// Opening reads the header and checks all of it: each byte of the data belongs to exactly one
/// tensor, and the file has not a byte more or less. No data is read and nothing is allocated for a
/// header before its length is held against the file's and the limit.
///
/// The order of weights, and that of indices, is the order in which the header names the tensors.
/// The format's own library writes data in that order too; where they differ the header's is taken,
/// because data is laid out for alignment. The format has no configuration, and of ties only those that
/// `safetensors.torch.save_model` notes in the metadata: they come after all tensors.
///
/// Two names that Swift's `String` would call equal, but whose bytes differ, are two tensors.
package struct SafetensorsFile: Sendable {
  private let source: any ByteSource
  private let header: SafetensorsHeader
  private let indices: [TensorName: Int]
  private let aliases: [(name: TensorName, owner: Int)]
  /// The bytes of the header: the JSON and the spaces after it, without the length in front of it.
  package let headerByteCount: Int

  /// The bytes of the data: those of all tensors.
  package var dataByteCount: Int { source.count - dataOffset }

  /// Where the data begins, from the start of the file.
  package var dataOffset: Int { SafetensorsHeader.lengthByteCount + headerByteCount }

  /// The bytes of the file.
  package var byteCount: Int { source.count }

  /// Opens the file at `path`.
  ///
  /// - Throws: as ``init(_:maximumHeaderByteCount:)``; `notFound`, `permissionDenied`,
  ///   `notARegularFile`, `inputOutput`.
  package init(path: String, access: FileAccess = .positioned) throws(CairnError) {
    try self.init(FileBytes(path: path, access: access))
  }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Parameters:
  ///   - source: The bytes. Tensors of a source in memory are views of it, not copies.
  ///   - maximumHeaderByteCount: The largest header to read; the format allows 100,000,000 bytes.
  ///     Parsing one takes some ten times its size in memory.
  /// - Throws: `truncated`, `trailingBytes`, `headerTooLarge`, `invalidHeader`, `duplicateName`,
  ///   `invalidShape`, `sizeMismatch`, `overlappingTensors`,
  ///   `gapBetweenTensors`, each with the offset in the file; and what reading needs.
  package init(
    _ source: any ByteSource, maximumHeaderByteCount: Int = 100_000_000
  ) throws(CairnError) {
    do throws(CairnError) {
      self.headerByteCount = try Self.headerByteCount(of: source, maximumHeaderByteCount)
      let start = SafetensorsHeader.lengthByteCount
      let bytes = try source.withBytes(in: start..<start + headerByteCount) { $0.array }
      self.header = try SafetensorsHeader(
        parsing: bytes,
        dataByteCount: source.count - SafetensorsHeader.lengthByteCount - headerByteCount)
    } catch {
      throw error.located(file: source.path)
    }
    self.source = source
    var indices: [TensorName: Int] = [:]
    indices.reserveCapacity(header.items.count)
    for (index, item) in header.items.enumerated() { indices[item.name] = index }
    aliases = SafetensorsTies.aliases(in: header.metadata, tensors: indices)
    for (number, alias) in aliases.enumerated() {
      indices[alias.name] = header.items.count + number
    }
    self.indices = indices
  }

  /// Reads the length of the header and holds it against the limits.
  private static func headerByteCount(
    of source: any ByteSource, _ limit: Int
  ) throws(CairnError) -> Int {
    let length = SafetensorsHeader.lengthByteCount
    guard source.count >= length else {
      throw CairnError(
        .truncated, "the file ends within the length of its header",
        at: .init(offset: UInt64(source.count)), expected: "at least \(length) bytes",
        found: "\(source.count)", advice: SafetensorsHeader.advice)
    }
    let count = try source.withBytes(in: 0..<length) { $0.field(0, as: UInt64.self) }
    guard count > 0 else {
      throw CairnError(
        .invalidHeader, "the header is empty", at: .init(offset: 0), expected: "at least ‘{}’",
        advice: SafetensorsHeader.advice)
    }
    let most = min(limit, SafetensorsHeader.maximumByteCount)
    guard count <= UInt64(clamping: most) else {
      throw CairnError(
        .headerTooLarge, "the header is larger than is allowed", at: .init(offset: 0),
        expected: "at most \(most) bytes", found: "\(count)", advice: SafetensorsHeader.advice)
    }
    guard count <= UInt64(source.count - length) else {
      throw CairnError(
        .truncated, "the file ends within its header", at: .init(offset: UInt64(source.count)),
        expected: "\(count) bytes of header", found: "\(source.count - length)",
        advice: "The file is cut short; fetch it again")
    }
    return Int(count)
  }
}

extension SafetensorsFile: TensorSource {
  /// The number of tensors, second names included.
  package var count: Int { header.items.count + aliases.count }

  /// The texts of `__metadata__`; tensors of types that are not known or under names that none can have here,
  /// and such metadata.
  package var attachments: Attachments {
    Attachments(metadata: header.metadata, opaqueItems: header.opaque.items)
  }

  /// What the header says of the tensor at `index`, counted in the order of the header.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    let item = try item(at: index)
    let alias = index < header.items.count ? nil : aliases[index - header.items.count].name
    return TensorEntry(
      name: alias ?? item.name, dtype: item.dtype, shape: item.shape, byteCount: item.range.count,
      position: index, aliasOf: alias == nil ? nil : item.name)
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  package func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  /// Fills `bytes` with the tensor's elements from byte `offset` on, as they are in the file: a
  /// bool may be neither 0 nor 1.
  package func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let item = try item(at: index)
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    do throws(CairnError) {
      try source.read(at: dataOffset + item.range.lowerBound + offset, into: &bytes)
    } catch {
      throw error.located(file: source.path, name: item.name.string)
    }
  }

  /// The whole tensor: a view of the source's memory if it has any, else read.
  ///
  /// - Throws: `invalidElement` for a bool that is neither 0 nor 1, and what reading needs.
  /// - Complexity: O(1) for a source in memory (O(bytes) for bools), else O(bytes).
  package func tensor(at index: Int) throws(CairnError) -> Tensor {
    let item = try item(at: index)
    let start = dataOffset + item.range.lowerBound
    do throws(CairnError) { return try wholeTensor(at: index) } catch {
      // Of elements that are none, the place in the file.
      guard error.code == .invalidElement else { throw error }
      throw error.located(
        file: source.path, offset: UInt64(start + (error.location.index ?? 0)),
        name: item.name.string)
    }
  }

  /// Where the tensor lies in the source's memory, if that has any.
  package func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    let range = try item(at: index).range
    return source.memory?.part(dataOffset + range.lowerBound..<dataOffset + range.upperBound)
  }

  private func item(at index: Int) throws(CairnError) -> SafetensorsHeader.Item {
    try checkIndex(index)
    guard index >= header.items.count else { return header.items[index] }
    return header.items[aliases[index - header.items.count].owner]
  }
}
