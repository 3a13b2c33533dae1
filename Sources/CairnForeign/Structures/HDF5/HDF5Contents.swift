// Everything that an HDF5 file holds, found by a walk from its root over all groups.

import CairnCheckpoints
import CairnContainer
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
  /// If this is a further name of a dataset: that dataset's place in the list.
  var aliasOf: Int?
}

/// The datasets of a file, and the attributes of its groups.
struct HDF5Contents: Sendable {
  let superblock: HDF5Superblock
  private(set) var datasets: [HDF5Dataset] = []
  /// The groups that have attributes. The root has an empty path.
  private(set) var groups: [(path: String, attributes: [HDF5Attribute])] = []

  private let limits: ContainerLimits
  private var visits: HDF5Visits
  private var values: HDF5ValueReader
  private var objectCount = 0
  /// The budget for what is held of the file's structure.
  private let index: Budget
  /// The budget for all elements together.
  private let elements: Budget
  private let bands: HDF5Bands
  /// The datasets that were read, by their addresses.
  private var known: [Int: Int] = [:]
  /// What is valid but not read, by its path.
  private(set) var opaque = OpaqueItems()

  private static let deepestGroup = 64
  /// The widest element that is read: its fill value is held in memory.
  private static let widestElement = 1 << 16

  private var file: HDF5Bytes { superblock.file }

  /// Reads the structure of a file; elements are read later.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unsupported` with the path of the object,
  ///   `checksumMismatch`, `limitExceeded`, `sizeMismatch`, `invalidShape`, `invalidName`.
  init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    superblock = try HDF5Superblock(source)
    self.limits = limits
    visits = HDF5Visits(source)
    index = .index(ofFile: source.count)
    values = HDF5ValueReader(superblock.file, budget: index)
    elements = Budget(
      bytes: source.count.allowance(times: 32, plus: 64 << 20),
      for: "what the file's datasets come to",
      advice: "The file holds far less than it claims. Write it anew without compression (h5repack)"
    )
    bands = HDF5Bands(source)
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
          at: .init(file: file.source.path), found: header.has(.datatype) ? "a named type" : nil)
      }
      let attributes = try values.attributes(
        of: header, maximumCount: limits.attachmentCount, &visits)
      if !attributes.isEmpty { groups.append((path, attributes)) }
      var reader = HDF5LinkReader(
        file, maximumCount: limits.tensorCount - objectCount, budget: index)
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
    let bytes = group.isEmpty ? link.name : Array((group + "/").utf8) + link.name
    try index.takeTensor(
      nameByteCount: 2 * min(bytes.count, TensorName.maximumByteCount))
    let path: String
    do throws(CairnError) {
      _ = try TensorName(utf8: link.name)
      path = try TensorName(utf8: bytes).string
    } catch {
      // For any name that a tensor cannot have: HDF5 allows more names.
      return try opaque.add(
        Array(String(decoding: bytes, as: UTF8.self).utf8), "HDF5 object", error.message)
    }
    if let kind = link.kind {
      return try opaque.add(
        Array(path.utf8), kind, "it leads by a path, perhaps out of the file, which is not followed"
      )
    }
    if let owner = known[link.address] {
      var alias = datasets[owner]
      alias.path = path
      alias.aliasOf = owner
      datasets.append(alias)
      return
    }
    if visits.contains(link.address) {
      return try opaque.add(
        Array(path.utf8), "hard link", "the group, or what it was, stands under another name too")
    }
    do throws(CairnError) {
      let header = try HDF5ObjectHeader(file, at: link.address, &visits)
      if !header.has(.layout) {
        guard depth < Self.deepestGroup else {
          throw CairnError(
            .limitExceeded, "the groups of the file are nested too deep",
            expected: "at most \(Self.deepestGroup)")
        }
        try readGroup(header, path: path, depth: depth + 1)
      } else {
        let dataset = try dataset(header, path: path)
        known[link.address] = datasets.count
        datasets.append(dataset)
      }
    } catch {
      // What is valid but not read must not hide the rest.
      guard error.code == .unsupported else { throw error.located(name: path) }
      try opaque.add(
        Array((error.location.name ?? path).utf8), error.found ?? "HDF5 object", error.message)
    }
  }

  private mutating func dataset(
    _ header: HDF5ObjectHeader, path: String
  ) throws(CairnError) -> HDF5Dataset {
    guard var typeFields = try header.fields(of: .datatype),
      var spaceFields = try header.fields(of: .dataspace),
      var layoutFields = try header.fields(of: .layout)
    else {
      throw CairnError(
        .invalidHeader, "a dataset has no type or no shape", at: .init(file: file.source.path),
        advice: HDF5Bytes.advice)
    }
    guard !header.has(.externalFiles) else {
      throw layoutFields.failure(
        .unsupported, "a dataset's elements are in other files", found: "external dataset",
        advice: "Cairn follows no path in a file; copy the elements into the file")
    }
    let attributes = try values.attributes(
      of: header, maximumCount: limits.attachmentCount, &visits)
    let type = try HDF5Datatype(&typeFields)
    let space = try HDF5Dataspace(&spaceFields)
    let shape = try space.shape(at: spaceFields.location)
    let isBrain: Bool
    if case .opaque(2, _) = type {
      isBrain = attributes.says("dtype", "bfloat16")
    } else {
      isBrain = false
    }
    switch type {
    case .plain, .text, .fixedText: break
    case .opaque where isBrain: break
    case .opaque, .other:
      // Thrown before the elements are looked at, whatever their width.
      throw typeFields.failure(
        .unsupported, "its elements are no numbers, truth values or texts", found: type.name,
        advice: "Leave the dataset out, or save it as numbers")
    }
    let width = type.byteCount(file)
    guard let byteCount = shape.elementCount.multiplied(by: width) else {
      throw spaceFields.failure(.invalidShape, "a dataset has more bytes than can be counted")
    }
    let layout = try HDF5Layout(&layoutFields, byteCount: byteCount)
    try elements.take(bytes: byteCount)
    guard width <= Self.widestElement || byteCount == 0 else {
      throw typeFields.failure(
        .unsupported, "its elements are wider than is supported", found: type.name, advice: nil)
    }
    var item = HDF5Dataset(
      path: path, dtype: .uint8, shape: shape, elements: try HeldElements([]),
      attributes: attributes, codec: "raw", storedByteCount: byteCount)
    try resolve(
      layout, &item, header, space, width: width, byteCount: byteCount, layoutFields)
    switch type {
    case .plain(let dtype, let swapped):
      item.dtype = dtype
      if swapped > 1 {
        item.elements = SwappedElements(base: item.elements, width: swapped)
      }
    case .text, .fixedText:
      item.dtype = .string
      item.elements = try texts(type, item.elements, count: shape.elementCount, typeFields)
    default: item.dtype = .bfloat16
    }
    return item
  }

  /// Finds where the elements come from.
  private mutating func resolve(
    _ layout: HDF5Layout, _ item: inout HDF5Dataset, _ header: HDF5ObjectHeader,
    _ space: HDF5Dataspace, width: Int, byteCount: Int, _ fields: HDF5Fields
  ) throws(CairnError) {
    var filters: [HDF5Filter] = []
    if var fields = try header.fields(of: .filters) { filters = try HDF5Filter.pipeline(&fields) }
    let source = file.source
    let chunk: [Int]
    let kind: HDF5ChunkIndex
    let start: Int?
    let leavesEdgesPlain: Bool
    switch layout {
    case .piece(let range):
      item.elements = try PartOfFile(source, at: range.lowerBound, count: range.count)
      return
    case .nowhere:
      item.storedByteCount = 0
      guard byteCount > 0 else { return }
      item.elements = FilledElements(count: byteCount, fill: try fill(header, width: width))
      return
    case .chunks(let shape, let index, let address, let edges):
      (chunk, kind, start, leavesEdgesPlain) = (shape, index, address, edges)
    }
    guard let grid = HDF5ChunkGrid(dimensions: item.shape.dimensions, chunk: chunk),
      let chunkByteCount = chunk.product(times: width)
    else {
      throw fields.failure(.invalidHeader, "a dataset's chunks do not fit its shape")
    }
    guard byteCount > 0 else { return }
    // Reading would have to go through rows that have no chunks, too.
    guard grid.total <= source.count else {
      throw fields.failure(.overBudget, "a dataset has more chunks than the file has bytes")
    }
    var places = HDF5ChunkPlaces.table([:])
    if let start {
      places = try self.places(
        kind, at: start, grid, space, chunkByteCount: chunkByteCount, isFiltered: !filters.isEmpty,
        leavesEdgesPlain: leavesEdgesPlain, fields)
    }
    item.storedByteCount = places.byteCount(of: grid)
    if !filters.isEmpty { item.codec = filters.contains(.deflate) ? "deflate" : "filtered" }
    // A chunk is decoded whole, even if the array ends within it.
    if !places.isEmpty {
      try elements.take(bytes: max(0, chunkByteCount - byteCount))
      try bands.check(grid, chunkByteCount: chunkByteCount, byteCount: byteCount, fields)
    }
    item.elements = HDF5ChunkedElements(
      source, grid: grid, chunks: places, filters: filters, fill: try fill(header, width: width),
      count: byteCount, bands: bands)
  }

  /// Finds the places of a dataset's chunks.
  private mutating func places(
    _ kind: HDF5ChunkIndex, at start: Int, _ grid: HDF5ChunkGrid, _ space: HDF5Dataspace,
    chunkByteCount: Int, isFiltered: Bool, leavesEdgesPlain: Bool, _ fields: HDF5Fields
  ) throws(CairnError) -> HDF5ChunkPlaces {
    var reader = HDF5ChunkIndexReader(
      file, grid: grid, chunkByteCount: chunkByteCount, isFiltered: isFiltered,
      leavesEdgesPlain: leavesEdgesPlain)
    func numbering(_ swizzles: Bool) throws(CairnError) -> HDF5ChunkNumbering {
      guard
        let numbering = HDF5ChunkNumbering(grid, greatest: space.greatest, swizzles: swizzles)
      else {
        throw fields.failure(.invalidHeader, "a dataset's chunks cannot be counted by its index")
      }
      return numbering
    }
    switch kind {
    case .tree: try reader.readTree(at: start, &visits)
    case .single(let byteCount, let mask):
      try reader.readSingle(at: start, count: byteCount, mask: mask, fields, &visits)
    case .fixedArray: try reader.readFixedArray(at: start, numbering(false), &visits)
    case .extensibleArray: try reader.readExtensibleArray(at: start, numbering(true), &visits)
    case .records: try reader.readRecords(at: start, &visits)
    case .implicit:
      // The chunks follow one another, and the file must have all of them.
      let numbering = try numbering(false)
      guard !isFiltered, let total = numbering.total else {
        throw fields.failure(.invalidHeader, "chunks one after the other have filters, or no end")
      }
      guard let all = total.multiplied(by: chunkByteCount) else {
        throw fields.failure(.truncated, "the chunks are not all there")
      }
      let range = try file.range(at: start, count: all)
      try visits.enter(at: start, count: all, fields)
      return .sequence(
        start: range.lowerBound, byteCount: chunkByteCount, numbering: numbering)
    }
    return .table(reader.chunks)
  }

  /// The value of elements that were never written.
  private func fill(_ header: HDF5ObjectHeader, width: Int) throws(CairnError) -> [UInt8] {
    var value: [UInt8] = []
    if var fields = try header.fields(of: .fillValue) {
      let version = try fields.version(1...3, of: "a fill value")
      var isDefined = true
      if version == 3 {
        isDefined = try fields.byte() & 0x20 != 0
      } else {
        try fields.skip(2)
        isDefined = try fields.byte() != 0
      }
      if isDefined || version == 1 { value = try fields.bytes(fields.number(4)) }
    } else if var fields = try header.fields(of: .oldFillValue) {
      value = try fields.bytes(fields.number(4))
    }
    return value.count == width ? value : [UInt8](repeating: 0, count: width)
  }

  /// Texts in the form of a tensor of strings: end offsets of 64 bits, then the bytes.
  private mutating func texts(
    _ type: HDF5Datatype, _ elements: any ElementBytes, count: Int,
    _ fields: HDF5Fields
  ) throws(CairnError) -> HeldElements {
    guard elements.count <= limits.metadataByteCount else {
      throw fields.failure(
        .limitExceeded, "a dataset of texts is larger than is allowed",
        expected: "at most \(limits.metadataByteCount) bytes", found: "\(elements.count)")
    }
    // The bytes of all texts and their ends, and the references while they are read.
    try index.take(bytes: elements.count)
    try index.take(count, of: 16)
    // The references may be in chunks, but the texts are always in the file's heap.
    let region = try elements.region()
    var references = HDF5Fields(
      HDF5Bytes(
        source: MemoryBytes(region), addressWidth: file.addressWidth,
        lengthWidth: file.lengthWidth), 0..<region.count)
    let pieces = try values.pieces(type, count: count, &references, &visits)
    var bytes: [UInt8] = []
    var end = 0
    for piece in pieces {
      end += piece.count
      bytes.append(littleEndian: UInt64(end))
    }
    for piece in pieces { bytes += piece }
    return try HeldElements(bytes)
  }
}
