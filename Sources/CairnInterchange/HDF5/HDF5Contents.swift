// Everything that an HDF5 file holds: a walk from its root over all groups.

import CairnFormat
import CairnSystem
import CairnTensors

/// A dataset that is a tensor.
struct HDF5Dataset: Sendable {
  /// The path from the root, without a slash in front.
  var path: String
  var dtype: DType
  var shape: Shape
  var elements: any ElementBytes
  var attributes: [HDF5Attribute]
  var codec: String
  var storedByteCount: Int
  /// The dataset of which this is a further name, by its place in the list.
  var aliasOf: Int?
}

/// The datasets of a file, and the attributes of its groups.
struct HDF5Contents: Sendable {
  let superblock: HDF5Superblock
  private(set) var datasets: [HDF5Dataset] = []
  /// The groups that have attributes, the root by an empty path.
  private(set) var groups: [(path: String, attributes: [HDF5Attribute])] = []

  private let limits: Limits
  private var visits: HDF5Visits
  private var values: HDF5ValueReader
  private var objectCount = 0
  /// The bytes that elements may take beyond those that the file has for them.
  private var unstored: Int
  /// The datasets that were read, by their addresses.
  private var known: [Int: Int] = [:]

  private static let deepestGroup = 64
  /// What DEFLATE can make of a byte.
  private static let largestExpansion = 1_032

  private var file: HDF5Bytes { superblock.file }

  /// Reads the structure of a file; elements are read later.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unsupported` with the path of the object,
  ///   `checksumMismatch`, `limitExceeded`, `sizeMismatch`, `invalidShape`, `invalidName`.
  init(_ source: any ByteSource, limits: Limits = .format) throws(CairnError) {
    superblock = try HDF5Superblock(source)
    self.limits = limits
    visits = HDF5Visits(source)
    let text = limits.metadataByteCount.addingReportingOverflow(limits.configurationByteCount)
    values = HDF5ValueReader(superblock.file, budget: text.overflow ? .max : text.partialValue)
    unstored = 8 << 20
    let header = try HDF5ObjectHeader(superblock.file, at: superblock.root, &visits)
    try readGroup(header, path: "", depth: 0)
  }

  private mutating func readGroup(
    _ header: HDF5ObjectHeader, path: String, depth: Int
  ) throws(CairnError) {
    do throws(CairnError) {
      guard HDF5LinkReader.isGroup(header) else {
        throw CairnError(
          .unsupported, "an object is neither a group nor a dataset",
          at: .init(file: file.source.path),
          found: header.fields(of: .datatype) == nil ? nil : "a named type")
      }
      let attributes = try values.attributes(
        of: header, maximumCount: limits.attachmentCount, &visits)
      if !attributes.isEmpty { groups.append((path, attributes)) }
      var reader = HDF5LinkReader(file, maximumCount: limits.tensorCount - objectCount)
      let links = try reader.read(header, &visits)
      objectCount += links.count
      for (place, link) in links.enumerated() {
        if place > 0, links[place - 1].name == link.name {
          throw CairnError(
            .duplicateName, "a group has two objects of one name",
            at: .init(name: String(decoding: link.name, as: UTF8.self)))
        }
        try read(link, in: path, depth: depth)
      }
    } catch {
      throw error.located(name: path.isEmpty ? "/" : path)
    }
  }

  private mutating func read(
    _ link: HDF5Link, in group: String, depth: Int
  ) throws(CairnError) {
    let name = try TensorName(utf8: link.name).string
    let path = group.isEmpty ? name : group + "/" + name
    if let owner = known[link.address] {
      var alias = datasets[owner]
      alias.path = path
      alias.aliasOf = owner
      datasets.append(alias)
      return
    }
    do throws(CairnError) {
      let header = try HDF5ObjectHeader(file, at: link.address, &visits)
      if header.fields(of: .layout) == nil {
        guard depth < Self.deepestGroup else {
          throw CairnError(
            .limitExceeded, "the groups of the file are nested too deep",
            expected: "at most \(Self.deepestGroup)")
        }
        try readGroup(header, path: path, depth: depth + 1)
      } else {
        known[link.address] = datasets.count
        datasets.append(try dataset(header, path: path))
      }
    } catch {
      throw error.located(name: path)
    }
  }

  private mutating func dataset(
    _ header: HDF5ObjectHeader, path: String
  ) throws(CairnError) -> HDF5Dataset {
    guard var typeFields = header.fields(of: .datatype),
      var spaceFields = header.fields(of: .dataspace), var layoutFields = header.fields(of: .layout)
    else {
      throw CairnError(
        .invalidHeader, "a dataset has no type or no shape", at: .init(file: file.source.path),
        advice: HDF5Bytes.advice)
    }
    guard header.fields(of: .externalFiles) == nil else {
      throw layoutFields.failure(
        .unsupported, "a dataset's elements are in other files",
        advice: "Cairn follows no path in a file; copy the elements into the file")
    }
    let attributes = try values.attributes(
      of: header, maximumCount: limits.attachmentCount, &visits)
    let type = try HDF5Datatype(&typeFields)
    let shape = try HDF5Dataspace(&spaceFields).shape(at: spaceFields.location)
    let width = type.byteCount(file)
    let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(by: width)
    guard !overflow else {
      throw spaceFields.failure(.invalidShape, "a dataset has more bytes than can be counted")
    }
    let layout = try HDF5Layout(&layoutFields, byteCount: byteCount)
    var item = HDF5Dataset(
      path: path, dtype: .uint8, shape: shape, elements: try HeldElements([]),
      attributes: attributes, codec: "raw", storedByteCount: byteCount)
    try resolve(layout, &item, header, width: width, byteCount: byteCount, layoutFields)
    switch type {
    case .plain(let dtype, let swapped):
      item.dtype = dtype
      if swapped > 1 {
        item.elements = SwappedElements(base: item.elements, width: swapped)
      }
    case .opaque(2, _) where attributes.says("dtype", "bfloat16"):
      item.dtype = .bfloat16
    case .text, .fixedText:
      item.dtype = .string
      item.elements = try texts(type, item.elements, count: shape.elementCount, typeFields)
    case .opaque, .other:
      throw typeFields.failure(
        .unsupported, "a dataset's elements are no numbers, truth values or texts",
        found: type.name, advice: "Leave the dataset out, or save it as numbers")
    }
    return item
  }

  /// Where the elements come from.
  private mutating func resolve(
    _ layout: HDF5Layout, _ item: inout HDF5Dataset, _ header: HDF5ObjectHeader, width: Int,
    byteCount: Int, _ fields: HDF5Fields
  ) throws(CairnError) {
    var filters: [HDF5Filter] = []
    if var fields = header.fields(of: .filters) { filters = try HDF5Filter.pipeline(&fields) }
    let source = file.source
    let chunk: [Int]
    var chunks: [Int: HDF5Chunk] = [:]
    var tree: Int?
    switch layout {
    case .piece(let range):
      item.elements = try PartOfFile(source, at: range.lowerBound, count: range.count)
      return
    case .nowhere:
      try spend(byteCount, stored: 0, fields)
      item.storedByteCount = 0
      item.elements = FilledElements(count: byteCount, fill: try fill(header, width: width))
      return
    case .chunks(let shape, let address): (chunk, tree) = (shape, address)
    case .single(let shape, let address, let count, let mask):
      chunk = shape
      if let address {
        let whole = shape.reduce(width) { $0.multipliedReportingOverflow(by: $1).partialValue }
        chunks[0] = HDF5Chunk(
          range: try file.range(at: address, count: count ?? whole), mask: mask)
      }
    case .implicit(let shape, let address):
      chunk = shape
      if let address {
        chunks[-1] = HDF5Chunk(range: try file.range(at: address, count: 0), mask: 0)
      }
    }
    let whole = chunk.reduce((width, false)) {
      let (product, overflow) = $0.0.multipliedReportingOverflow(by: $1)
      return (product, $0.1 || overflow)
    }
    guard let grid = HDF5ChunkGrid(dimensions: item.shape.dimensions, chunk: chunk), !whole.1,
      whole.0 <= Int(UInt32.max)
    else {
      throw fields.failure(.invalidHeader, "a dataset's chunks do not fit its shape")
    }
    guard byteCount > 0 else { return }
    if let start = chunks.removeValue(forKey: -1)?.range.lowerBound {
      // One after the other; the file must have them all, which bounds their number.
      let (all, overflow) = grid.total.multipliedReportingOverflow(by: whole.0)
      guard !overflow else { throw fields.failure(.truncated, "the chunks are not all there") }
      _ = try file.range(at: start - file.base, count: all)
      for number in 0..<grid.total {
        let place = start + number * whole.0
        chunks[number] = HDF5Chunk(range: place..<place + whole.0, mask: 0)
      }
    } else if let tree {
      var reader = HDF5ChunkTree(file, grid: grid)
      try reader.read(at: tree, &visits)
      chunks = reader.chunks
    }
    let stored = chunks.values.reduce(0) { $0.addingReportingOverflow($1.range.count).partialValue }
    // A chunk is decoded whole, also where the array ends within it.
    try spend(max(byteCount, chunks.isEmpty ? 0 : whole.0), stored: stored, fields)
    // Rows without a chunk would have to be looked at all the same.
    guard grid.total <= file.source.count else {
      throw fields.failure(.limitExceeded, "a dataset has more chunks than the file has bytes")
    }
    item.storedByteCount = stored
    if !filters.isEmpty { item.codec = filters.contains(.deflate) ? "deflate" : "filtered" }
    item.elements = HDF5ChunkedElements(
      source, grid: grid, chunks: chunks, filters: filters, fill: try fill(header, width: width),
      count: byteCount)
  }

  /// Allows `byteCount` bytes of elements for which the file has `stored`.
  private mutating func spend(
    _ byteCount: Int, stored: Int, _ fields: HDF5Fields
  ) throws(CairnError) {
    let (most, overflow) = stored.multipliedReportingOverflow(by: Self.largestExpansion)
    let missing = overflow ? 0 : max(0, byteCount - most)
    guard missing <= unstored else {
      throw fields.failure(
        .limitExceeded, "a dataset claims far more elements than the file has bytes for",
        expected: "at most \(most.addingReportingOverflow(unstored).partialValue) bytes",
        found: "\(byteCount)")
    }
    unstored -= missing
  }

  /// The value of elements that were never written.
  private func fill(_ header: HDF5ObjectHeader, width: Int) throws(CairnError) -> [UInt8] {
    var value: [UInt8] = []
    if var fields = header.fields(of: .fillValue) {
      let version = try fields.version(1...3, of: "a fill value")
      var isDefined = true
      if version == 3 {
        isDefined = try fields.byte() & 0x20 != 0
      } else {
        try fields.skip(2)
        isDefined = try fields.byte() != 0
      }
      if isDefined || version == 1 { value = try fields.bytes(fields.number(4)) }
    } else if var fields = header.fields(of: .oldFillValue) {
      value = try fields.bytes(fields.number(4))
    }
    return value.count == width ? value : [UInt8](repeating: 0, count: width)
  }

  /// Texts as a tensor has them: end offsets of 64 bits, then the bytes.
  private mutating func texts(
    _ type: HDF5Datatype, _ elements: any ElementBytes, count: Int,
    _ fields: HDF5Fields
  ) throws(CairnError) -> HeldElements {
    guard elements.count <= limits.metadataByteCount else {
      throw fields.failure(
        .limitExceeded, "a dataset of texts is larger than is allowed",
        expected: "at most \(limits.metadataByteCount) bytes", found: "\(elements.count)")
    }
    // The references may be in chunks; the texts are in the file's heap in any case.
    let region = try elements.region()
    var references = HDF5Fields(
      HDF5Bytes(
        source: MemoryBytes(region), addressWidth: file.addressWidth,
        lengthWidth: file.lengthWidth), 0..<region.count)
    let pieces = try values.pieces(type, count: count, &references, &visits)
    var ends: [UInt8] = []
    var end = 0
    for piece in pieces {
      end += piece.count
      ends += (0..<8).map { UInt8(truncatingIfNeeded: end >> (8 * $0)) }
    }
    return try HeldElements(ends + pieces.flatMap { $0 })
  }
}
