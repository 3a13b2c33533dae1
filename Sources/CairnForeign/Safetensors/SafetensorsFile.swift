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
/// tensor, and the file is not longer or shorter than it says. No data is read. No memory is
/// allocated for a header before its length is checked against the file's size and the limit.
///
/// The order of weights, and that of indices, is the order in which the header names the tensors.
/// The format's own library writes data in that order too. If they differ, the header's order
/// counts, because data is laid out for alignment. The format has no configuration. The only ties
/// are those that `safetensors.torch.save_model` notes in the metadata; they come after all
/// tensors.
///
/// Two names that Swift's `String` would call equal, but whose bytes differ, are two tensors.
package struct SafetensorsFile: TableSource {
  let table: TensorTable
  /// The metadata are the texts of `__metadata__`. Opaque items are tensors of unknown types, and
  /// tensors and metadata under names that cannot be kept here.
  package let attachments: Attachments
  /// The bytes of the file.
  package let fileByteCount: Int
  /// The bytes of the header: the JSON and the spaces after it, without the length in front of it.
  package let headerByteCount: Int
  /// Where each tensor begins, from the start of the file.
  private let starts: [Int]

  /// The bytes of the data: those of all tensors.
  package var dataByteCount: Int { fileByteCount - dataOffset }

  /// Where the data begins, from the start of the file.
  package var dataOffset: Int { SafetensorsHeader.lengthByteCount + headerByteCount }

  /// No bound: no byte belongs to two tensors, except through the ties that the metadata name.
  package var plausibleByteCount: Int { .max }

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
      fileByteCount = source.count
      headerByteCount = try Self.headerByteCount(of: source, maximumHeaderByteCount)
      let start = SafetensorsHeader.lengthByteCount
      let dataStart = start + headerByteCount
      let bytes = try source.withBytes(in: start..<dataStart) { $0.array }
      let header = try SafetensorsHeader(
        parsing: bytes, dataByteCount: source.count - dataStart)
      var table = TensorTable(path: source.path, count: header.items.count)
      var starts: [Int] = []
      starts.reserveCapacity(header.items.count)
      for item in header.items {
        starts.append(dataStart + item.range.lowerBound)
        let elements = try PartOfFile(
          source, at: dataStart + item.range.lowerBound, count: item.range.count)
        try table.add(
          .init(
            name: item.name, dtype: item.dtype, shape: item.shape, elements: elements,
            storedByteCount: elements.count))
      }
      for alias in SafetensorsTies.aliases(in: header.metadata, index: table.index) {
        starts.append(starts[alias.owner])
        var item = table.items[alias.owner]
        item.name = alias.name
        item.aliasOf = alias.owner
        try table.add(item)
      }
      self.table = table
      self.starts = starts
      attachments = Attachments(metadata: header.metadata, opaqueItems: header.opaque.items)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// Reads the length of the header and checks it against the limits.
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

  /// The whole tensor: a view of the source's memory if it has any, otherwise read.
  ///
  /// - Throws: `invalidElement` for a bool that is neither 0 nor 1, and the errors of reading.
  /// - Complexity: O(1) for a source in memory (O(bytes) for bools), otherwise O(bytes).
  package func tensor(at index: Int) throws(CairnError) -> Tensor {
    do throws(CairnError) { return try wholeTensor(at: index) } catch {
      // For invalid elements the error gets the place in the file.
      guard error.code == .invalidElement else { throw located(error) }
      throw error.located(
        file: table.path, offset: UInt64(starts[index] + (error.location.index ?? 0)),
        name: table.items[index].name.string)
    }
  }
}
