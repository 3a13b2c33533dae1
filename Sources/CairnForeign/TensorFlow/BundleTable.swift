// From the entries of a bundle's index to tensors.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Collects the tensors of a bundle.
struct BundleTable {
  typealias Opening = (Int, Int) throws(CairnError) -> any ByteSource

  private(set) var table: TensorTable
  private(set) var checked: [CheckedElements] = []
  private(set) var opaque = OpaqueItems()
  /// Bytes of all data files that are open.
  private(set) var dataByteCount = 0
  private var entries: [(key: [UInt8], entry: BundleEntry)] = []
  private var numbers: [ByteKey: Int] = [:]
  private var isBigEndian = false
  private var shardCount = 0
  private var files: [Int: any ByteSource] = [:]
  private var ranges: [Int: [(range: Range<Int>, name: String)]] = [:]
  private var usedSlices = 0
  private let budget: Budget
  private let open: Opening

  init(
    _ sorted: SortedTable, path: String?, budget: Budget, open: @escaping Opening
  ) throws(CairnError) {
    self.budget = budget
    self.open = open
    table = TensorTable(path: path)
    guard let header = sorted.entries.first, header.key.isEmpty else {
      throw CairnError(
        .invalidHeader, "the index does not begin with the bundle's header", at: .init(offset: 0),
        advice: SortedTable.advice)
    }
    try readHeader(header.value)
    for (key, value) in sorted.entries.dropFirst() {
      numbers[ByteKey(key)] = entries.count
      // A dimension, or the start and length of a part, takes few bytes in the file but more in
      // memory.
      try budget.take(value.count, of: 16)
      try budget.takeTensor(nameByteCount: key.count)
      do throws(CairnError) { entries.append((key, try BundleEntry(value))) } catch {
        var named = error
        named.location.offset = nil
        throw named.located(name: Self.text(key))
      }
    }
  }

  private static func text(_ key: [UInt8]) -> String {
    let text = String(decoding: key, as: UTF8.self)
    return key.contains { $0 < 0x20 } ? text.excerpt : text
  }

  /// `BundleHeaderProto`: shards, byte order.
  private mutating func readHeader(_ bytes: [UInt8]) throws(CairnError) {
    var reader = ProtobufReader(try MemoryBytes(bytes))
    while let field = try reader.next() {
      if field.number == 1, field.range != nil {
        throw CairnError(
          .unsupported, "the file is a checkpoint of TensorFlow's first format (V1)",
          advice:
            "Save it anew with TensorFlow 1.x: tf.train.Saver(write_version=tf.train.SaverDef.V2)")
      }
      if field.number == 1 { shardCount = Int(clamping: field.varint ?? 0) }
      if field.number == 2 { isBigEndian = field.varint == 1 }
    }
  }

  /// Makes the tensors of all entries.
  mutating func build() throws(CairnError) {
    for (key, entry) in entries where key.first != 0 {
      do throws(CairnError) {
        let item = try item(key, entry)
        try table.add(item)
      } catch  where error.code == .unsupported || error.code == .unknownDType {
        usedSlices += entry.slices.count
        try opaque.add(key, error.found ?? "tensor", error.message)
      } catch  where error.code == .invalidName {
        usedSlices += entry.slices.count
        try opaque.add(key, "tensor", error.message)
      } catch {
        throw error.located(name: Self.text(key))
      }
    }
    guard entries.count(where: { $0.key.first == 0 }) == usedSlices else {
      throw CairnError(
        .shardMismatch, "the index has parts that belong to no partitioned variable",
        advice: SortedTable.advice)
    }
    try checkOverlap()
  }

  private mutating func checkOverlap() throws(CairnError) {
    for shard in ranges.keys.sorted() {
      let sorted = (ranges[shard] ?? []).sorted { $0.range.lowerBound < $1.range.lowerBound }
      for (one, next) in zip(sorted, sorted.dropFirst())
      where next.range.lowerBound < one.range.upperBound {
        throw CairnError(
          .overlappingTensors, "the tensor begins within ‘\(one.name)’", at: .init(name: next.name),
          advice: SortedTable.advice)
      }
    }
  }

  private mutating func file(_ shard: Int) throws(CairnError) -> any ByteSource {
    if let file = files[shard] { return file }
    guard shard < shardCount else {
      throw CairnError(
        .invalidHeader, "the tensor is in a data file that the bundle does not have",
        expected: "below \(shardCount)", found: "\(shard)", advice: SortedTable.advice)
    }
    let file = try open(shard, shardCount)
    files[shard] = file
    dataByteCount = dataByteCount.addingSaturated(file.count)
    return file
  }

  private mutating func item(
    _ key: [UInt8], _ entry: BundleEntry
  ) throws(CairnError) -> TensorTable.Item {
    let name = try TensorName(utf8: key)
    let dtype = try entry.dtype()
    let shape = try Shape(entry.dimensions)
    let elements: any ElementBytes
    if entry.slices.isEmpty {
      elements = try whole(entry, dtype, shape, Self.text(key))
    } else {
      elements = try partitioned(key, entry, dtype, shape)
    }
    return TensorTable.Item(
      name: name, dtype: dtype, shape: shape, elements: elements,
      codec: entry.slices.isEmpty ? "raw" : "partitioned", storedByteCount: elements.count)
  }

  private mutating func whole(
    _ entry: BundleEntry, _ dtype: DType, _ shape: Shape, _ name: String
  ) throws(CairnError) -> any ElementBytes {
    let file = try file(entry.shard)
    let elements = try CheckedElements(file, entry)
    if entry.byteCount > 0 {
      ranges[entry.shard, default: []].append(
        (entry.offset..<entry.offset + entry.byteCount, name))
    }
    guard dtype != .string else {
      guard !isBigEndian else {
        throw CairnError(.unsupported, "texts that a big-endian machine wrote")
      }
      return try CheckedElements.texts(
        file, entry, elements: shape.elementCount, budget: budget)
    }
    guard dtype.byteCount(elements: shape.elementCount) == entry.byteCount else {
      throw CairnError(
        .sizeMismatch, "the bytes do not fill a \(dtype) tensor of shape \(shape)",
        found: "\(entry.byteCount)", advice: SortedTable.advice)
    }
    checked.append(elements)
    let width = (dtype.bitWidth ?? 8) / (dtype.isComplex ? 16 : 8)
    return isBigEndian && width > 1 ? SwappedElements(base: elements, width: width) : elements
  }

  /// A variable in parts along one dimension. Each part has an entry of its own.
  private mutating func partitioned(
    _ key: [UInt8], _ entry: BundleEntry, _ dtype: DType, _ shape: Shape
  ) throws(CairnError) -> any ElementBytes {
    guard entry.slices.allSatisfy({ $0.count == shape.rank }) else {
      throw CairnError(
        .invalidShape, "a part of the variable has another number of dimensions than it")
    }
    let axes = shape.dimensions.indices.filter { axis in
      entry.slices.contains { slice in
        slice[axis].start != 0 || slice[axis].length.map { $0 != shape[axis] } ?? false
      }
    }
    try budget.take(entry.slices.count, of: 320)
    guard dtype != .string, axes.count <= 1 else {
      throw CairnError(
        .unsupported, "a variable that is partitioned along more than one dimension, or of texts")
    }
    let axis = axes.first ?? 0
    var parts: [any ElementBytes] = []
    var end = 0
    let ordered =
      shape.rank == 0
      ? entry.slices : entry.slices.sorted { $0[axis].start < $1[axis].start }
    for slice in ordered {
      guard let number = numbers[ByteKey(SliceKey.bytes(key, slice))] else {
        throw CairnError(
          .shardMismatch, "a part of the variable is not in the index",
          advice: SortedTable.advice)
      }
      let part = entries[number].entry
      var dimensions = shape.dimensions
      if shape.rank > 0 {
        let length = slice[axis].length ?? shape[axis]
        guard slice[axis].start == end, length <= shape[axis] - end else {
          throw CairnError(
            .shardMismatch, "the parts of the variable leave gaps or overlap",
            advice: SortedTable.advice)
        }
        dimensions[axis] = length
        end += length
      }
      guard part.slices.isEmpty, part.dimensions == dimensions, part.type == entry.type else {
        throw CairnError(
          .shardMismatch, "a part of the variable has another type or shape than its place",
          advice: SortedTable.advice)
      }
      usedSlices += 1
      parts.append(try whole(part, dtype, Shape(dimensions), Self.text(key)))
    }
    guard shape.rank == 0 ? parts.count == 1 : end == shape[axis] else {
      throw CairnError(
        .shardMismatch, "the parts of the variable are not all of it",
        advice: SortedTable.advice)
    }
    // No overflow: the product divides the number of elements, unless that is 0.
    let rows = shape.dimensions.prefix(axis).reduce(1) { $0 &* max(1, $1) }
    return ConcatenatedElements(parts, rows: max(1, rows))
  }
}
