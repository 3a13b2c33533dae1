// Attributes: small values that stand with an object. Specification, IV.A.2.m, v.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// An attribute. The value is nil if metadata has no kind for it; then there is the type's name.
struct HDF5Attribute: Sendable {
  var name: String
  var value: MetadataValue?
  var typeName: String
}

extension [HDF5Attribute] {
  /// The value of that name.
  func value(_ name: String) -> MetadataValue? {
    first { $0.name.utf8.elementsEqual(name.utf8) }.flatMap(\.value)
  }

  /// Whether the attribute of that name has that text.
  func says(_ name: String, _ text: String) -> Bool {
    switch value(name) {
    case .string(let found): found.utf8.elementsEqual(text.utf8)
    default: false
    }
  }
}

/// Reads attributes, and arrays of texts.
struct HDF5ValueReader {
  private let file: HDF5Bytes
  private var heap: HDF5GlobalHeap
  /// The budget of the file's index: values can refer to one text many times.
  private let budget: Budget

  init(_ file: HDF5Bytes, budget: Budget) {
    self.file = file
    self.budget = budget
    heap = HDF5GlobalHeap(file, budget: budget)
  }

  /// The attributes of an object, ascending by name.
  mutating func attributes(
    of header: HDF5ObjectHeader, maximumCount: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) -> [HDF5Attribute] {
    var attributes: [HDF5Attribute] = []
    for (fields, isShared) in header.all(.attribute) {
      var fields = fields
      guard !isShared else {
        attributes.append(
          HDF5Attribute(name: "?", value: nil, typeName: "shared between objects"))
        continue
      }
      attributes.append(try attribute(&fields, &visits))
    }
    if var fields = try header.fields(of: .attributeInfo) {
      try fields.version(0...0, of: "an object's attribute information")
      if try fields.byte() & 1 != 0 { try fields.skip(2) }
      let heap = try fields.address()
      let index = try fields.address()
      if let heap, let index {
        let objects = try HDF5FractalHeap(file, at: heap, &visits)
        let records = try HDF5RecordTree.records(
          of: file, at: index, type: 8, maximumCount: maximumCount, &visits)
        for record in records {
          guard record.count >= 9, record[8] & 2 == 0 else {
            attributes.append(
              HDF5Attribute(name: "?", value: nil, typeName: "shared between objects"))
            continue
          }
          var fields = try objects.fields(of: Array(record.prefix(8)))
          attributes.append(try attribute(&fields, &visits))
        }
      }
    }
    return attributes.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private mutating func attribute(
    _ fields: inout HDF5Fields, _ visits: inout HDF5Visits
  ) throws(CairnError) -> HDF5Attribute {
    let start = fields.location.offset ?? 0
    let version = try fields.version(1...3, of: "an attribute")
    let flags = version == 1 ? 0 : try fields.byte()
    if version == 1 { try fields.skip(1) }
    let counts = [try fields.number(2), try fields.number(2), try fields.number(2)]
    if version == 3 { try fields.skip(1) }
    /// The next part of the message; its padding is skipped.
    func part(_ count: Int) throws(CairnError) -> HDF5Fields {
      let begin = Int(fields.location.offset ?? start)
      try fields.skip(count)
      if version == 1 { try fields.skip((8 - count % 8) % 8) }
      return HDF5Fields(file, begin..<begin + count)
    }
    var nameFields = try part(counts[0])
    try budget.take(bytes: counts[0] + 160)
    let name = try nameFields.bytes(counts[0]).prefix { $0 != 0 }
    var typeFields = try part(counts[1])
    var spaceFields = try part(counts[2])
    let text = String(decoding: name, as: UTF8.self)
    do throws(CairnError) {
      if flags & 1 != 0 { typeFields = try HDF5ObjectHeader.shared(.datatype, typeFields) }
      if flags & 2 != 0 { spaceFields = try HDF5ObjectHeader.shared(.dataspace, spaceFields) }
      let type = try HDF5Datatype(&typeFields)
      let space = try HDF5Dataspace(&spaceFields)
      return HDF5Attribute(
        name: text, value: try value(type, space, &fields, &visits), typeName: type.name)
    } catch {
      // What is valid but not read must not hide the other attributes.
      guard error.code == .unsupported else { throw error.located(name: text.excerpt) }
      return HDF5Attribute(name: text, value: nil, typeName: error.message)
    }
  }

  private func spend(_ count: Int) throws(CairnError) { try budget.take(bytes: count) }

  private mutating func value(
    _ type: HDF5Datatype, _ space: HDF5Dataspace, _ fields: inout HDF5Fields,
    _ visits: inout HDF5Visits
  ) throws(CairnError) -> MetadataValue? {
    // Metadata cannot hold values of more than one dimension.
    guard let dimensions = space.dimensions, dimensions.count <= 1 else { return nil }
    let isScalar = dimensions.isEmpty
    let count = try space.shape(at: fields.location).elementCount
    if case .other = type { return nil }
    if case .plain(let dtype, let swapped) = type {
      return try numbers(dtype, swapped, count, isScalar, &fields)
    }
    let pieces = try self.pieces(type, count: count, &fields, &visits)
    if case .opaque = type {
      return isScalar ? pieces.first.map { .bytes($0) } : .byteStrings(pieces)
    }
    var texts: [String] = []
    for piece in pieces {
      guard let text = String(validating: piece, as: UTF8.self) else {
        return isScalar ? pieces.first.map { .bytes($0) } : .byteStrings(pieces)
      }
      texts.append(text)
    }
    return isScalar ? texts.first.map { .string($0) } : .strings(texts)
  }

  private mutating func numbers(
    _ dtype: DType, _ swapped: Int, _ count: Int, _ isScalar: Bool, _ fields: inout HDF5Fields
  ) throws(CairnError) -> MetadataValue? {
    guard let width = dtype.bitWidth.map({ $0 / 8 }),
      let byteCount = dtype.byteCount(elements: count), byteCount <= fields.remaining
    else { throw fields.failure(.truncated, "an attribute ends before its last element") }
    try spend(count.multipliedSaturated(by: 16))
    var patterns: [UInt64] = []
    patterns.reserveCapacity(count)
    for _ in 0..<count {
      guard width <= 8 else { return nil }
      let bits = try fields.unsigned(width)
      patterns.append(swapped > 1 ? bits.byteSwapped >> UInt64(64 - 8 * width) : bits)
    }
    switch dtype {
    case .bool:
      guard patterns.allSatisfy({ $0 < 2 }) else { return nil }
      return isScalar ? .bool(patterns[0] == 1) : .bools(patterns.map { $0 == 1 })
    case .int8, .int16, .int32, .int64:
      let shift = Int64(64 - 8 * width)
      let values = patterns.map { (Int64(bitPattern: $0) << shift) >> shift }
      return isScalar ? .int(values[0]) : .ints(values)
    case .uint8, .uint16, .uint32, .uint64:
      return isScalar ? .uint(patterns[0]) : .uints(patterns)
    case .float32, .float64:
      let values = patterns.map {
        width == 8
          ? Double(bitPattern: $0) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0)))
      }
      return isScalar ? .float(values[0]) : .floats(values)
    default: return nil
    }
  }

  /// The bytes of texts, or of opaque elements.
  mutating func pieces(
    _ type: HDF5Datatype, count: Int, _ fields: inout HDF5Fields, _ visits: inout HDF5Visits
  ) throws(CairnError) -> [[UInt8]] {
    let width = type.byteCount(file)
    guard let whole = count.multiplied(by: width), whole <= fields.remaining else {
      throw fields.failure(.truncated, "texts end before the last of them")
    }
    // The list of texts, and the memory that it is made from.
    try budget.take(count, of: 48)
    var pieces: [[UInt8]] = []
    for _ in 0..<count {
      switch type {
      case .text:
        let length = try fields.number(4)
        let address = try fields.address()
        let number = try fields.number(4)
        guard length > 0, let address, address > 0 else {
          pieces.append([])
          continue
        }
        let range = try heap.object(number, inCollectionAt: address, &visits)
        guard length <= range.count else {
          throw fields.failure(.invalidHeader, "a text is longer than its place in the heap")
        }
        try spend(length)
        var text = HDF5Fields(file, range.lowerBound..<range.lowerBound + length)
        // h5py also ends a text at its first NUL; every reader loses what follows it.
        pieces.append(Array(try text.bytes(length).prefix { $0 != 0 }))
      case .fixedText(_, let padding):
        try spend(width)
        let bytes = try fields.bytes(width)
        switch padding {
        case .space: pieces.append(bytes.droppingLast(0x20))
        // Only NULs at the end are padding: NumPy's byte texts may have NULs inside.
        case .nul: pieces.append(bytes.droppingLast(0))
        case .nulTerminated: pieces.append(Array(bytes.prefix { $0 != 0 }))
        }
      default:
        try spend(width)
        pieces.append(try fields.bytes(width))
      }
    }
    return pieces
  }
}

extension [UInt8] {
  /// The bytes without those at the end that have that value.
  fileprivate func droppingLast(_ byte: UInt8) -> [UInt8] {
    Array(self[..<((lastIndex { $0 != byte } ?? -1) + 1)])
  }
}
