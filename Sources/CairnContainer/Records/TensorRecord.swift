// What a file says of one tensor, in its TNSR frame and in its index entry alike. FORMAT.md,
// sections 7 and 9.

import CairnCheckpoints
import CairnCodec
import CairnSystem
import CairnTensors

/// How a tensor's bytes are kept.
enum StorageClass: UInt8, Sendable {
  /// As it is, in one frame.
  case raw = 0
  /// In chunks, each in a frame of its own, as a stream where that is shorter.
  case chunked = 1
  /// With another tensor, whose bytes it shares.
  case alias = 2

  /// Whether the tensor has bytes of its own; if not, the record names the tensor that has them.
  var ownsData: Bool {
    switch self {
    case .raw, .chunked: true
    case .alias: false
    }
  }

  /// Whether its pieces are chunks, each in a frame of its own and perhaps a stream.
  var codesPieces: Bool {
    switch self {
    case .chunked: true
    case .raw, .alias: false
    }
  }
}

/// The description that both routes to a tensor give.
struct TensorRecord: Hashable, Sendable {
  var name: TensorName
  var dtype: DType
  var shape: Shape
  var byteCount: Int
  var storageClass: StorageClass
  var filter: PlaneFilter
  /// The place in the order of weights.
  var position: UInt32
  /// For an alias: its owner's ordinal in a TNSR frame, its owner's row in the index.
  var owner: UInt32

  /// Whether the tensor has bytes of its own.
  var ownsData: Bool { storageClass.ownsData }

  static let fixedByteCount = 40
  /// The largest payload of a TNSR frame: rank and name at their limits.
  static let largestByteCount = fixedByteCount + 8 * 255 + Int(UInt16.max)

  /// The payload of a TNSR frame.
  var framePayload: [UInt8] {
    var fields = ByteBuilder()
    fields.append(dtype.row.code)
    fields.append(storageClass.rawValue)
    fields.append(filter.rawValue)
    fields.append(UInt8(shape.rank))
    fields.append(UInt8(0))
    fields.append(UInt16(name.utf8.count))
    fields.append(position)
    fields.append(owner)
    fields.append(UInt64(byteCount))
    fields.append(dtype.blockFields.typeID)
    fields.append(dtype.blockFields.elements)
    fields.append(dtype.blockFields.bytes)
    fields.append(UInt32(0))
    for dimension in shape.dimensions { fields.append(UInt64(dimension)) }
    fields.append(name.utf8)
    return fields.bytes
  }

  /// The name in the payload of a TNSR frame, whatever else is wrong with it.
  static func name(inFramePayload bytes: [UInt8]) -> TensorName? {
    guard bytes.count >= fixedByteCount else { return nil }
    let start = fixedByteCount + 8 * Int(bytes[4])
    guard bytes.count == start + Int(bytes.span.field(6, as: UInt16.self)) else { return nil }
    return try? TensorName(utf8: Array(bytes[start...]))
  }

  /// Reads the payload of a TNSR frame that lies at `offset`.
  init(framePayload bytes: [UInt8], at offset: Int) throws(CairnError) {
    func invalid(_ message: String, _ field: Int, expected: String? = nil, found: String? = nil)
      -> CairnError
    {
      CairnError(
        .invalidTensorRecord, message, at: .init(offset: UInt64(offset + field)),
        expected: expected, found: found)
    }
    guard bytes.count >= Self.fixedByteCount else {
      throw invalid(
        "a tensor header is too short", 0, expected: "at least \(Self.fixedByteCount) bytes",
        found: "\(bytes.count)")
    }
    let span = bytes.span
    let rank = Int(bytes[4])
    let nameCount = Int(span.field(6, as: UInt16.self))
    let nameStart = Self.fixedByteCount + 8 * rank
    guard bytes.count == nameStart + nameCount else {
      throw invalid(
        "a tensor header has another length than rank and name give", 4,
        expected: "\(nameStart + nameCount) bytes", found: "\(bytes.count)")
    }
    try checkReserved(span, 5..<6, of: "a tensor header", at: offset)
    try checkReserved(span, 36..<40, of: "a tensor header", at: offset)
    let name: TensorName
    do throws(CairnError) {
      name = try TensorName(utf8: Array(bytes[nameStart...]))
    } catch {
      throw error.located(offset: UInt64(offset + nameStart))
    }
    try self.init(
      name: name,
      fields: RawFields(
        dtype: span.field(0), storageClass: bytes[2], filter: bytes[3],
        position: span.field(8), owner: span.field(12), byteCount: span.field(16),
        typeID: span.field(24), elements: span.field(28), bytes: span.field(32),
        dimensions: (0..<rank).map { span.field(Self.fixedByteCount + 8 * $0) }), at: offset)
  }

  /// The numbers of a record before they are known to make sense.
  struct RawFields {
    var dtype: UInt16
    var storageClass: UInt8
    var filter: UInt8
    var position: UInt32
    var owner: UInt32
    var byteCount: UInt64
    var typeID: UInt32
    var elements: UInt32
    var bytes: UInt32
    var dimensions: [UInt64]
  }

  /// Checks everything that a record alone can be checked for. `offset` is where the record begins.
  init(name: TensorName, fields: RawFields, at offset: Int) throws(CairnError) {
    let location = CairnError.Location(offset: UInt64(offset), name: name.string)
    self.name = name
    guard
      let dtype = DType(
        formatCode: fields.dtype, typeID: fields.typeID, elements: fields.elements,
        bytes: fields.bytes)
    else {
      throw CairnError(
        .invalidDType, "the element type or its block fields are none that the format defines",
        at: location, expected: "a code from 1 to \(DType.largestCode)",
        found: "code \(fields.dtype), block \(fields.typeID), \(fields.elements), \(fields.bytes)")
    }
    self.dtype = dtype
    guard let storageClass = StorageClass(rawValue: fields.storageClass) else {
      throw CairnError(
        .invalidTensorRecord, "the storage class is none that this reader knows", at: location,
        expected: "0, 1 or 2", found: "\(fields.storageClass)", advice: "Read it with a newer Cairn"
      )
    }
    self.storageClass = storageClass
    guard let filter = PlaneFilter(rawValue: fields.filter), dtype.allows(filter),
      storageClass.codesPieces || !filter.hasPlanes
    else {
      throw CairnError(
        .invalidTensorRecord, "the filter is none that a tensor of this type and storage can have",
        at: location, found: "\(fields.filter)")
    }
    self.filter = filter
    guard !storageClass.ownsData || fields.owner == 0 else {
      throw CairnError(
        .invalidTensorRecord, "a tensor that is no alias names an owner", at: location,
        expected: "0", found: "\(fields.owner)")
    }
    self.owner = fields.owner
    self.position = fields.position
    guard fields.dimensions.count <= Shape.maximumRank,
      fields.dimensions.allSatisfy({ $0 < UInt64(Shape.dimensionLimit) })
    else {
      throw CairnError(
        .limitExceeded, "the shape is beyond the format's limits", at: location,
        expected: "at most 32 dimensions below 2^48", found: "\(fields.dimensions)")
    }
    do throws(CairnError) {
      shape = try Shape(fields.dimensions.map { Int($0) })
    } catch {
      throw CairnError(
        .limitExceeded, "the shape has more elements than the format allows", at: location,
        expected: "below 2^63", found: "\(fields.dimensions)", cause: error)
    }
    guard let byteCount = Int(exactly: fields.byteCount) else {
      throw CairnError(
        .limitExceeded, "the tensor has more bytes than the format allows", at: location,
        expected: "below 2^63", found: "\(fields.byteCount)")
    }
    self.byteCount = byteCount
    if let bits = dtype.bitWidth,
      shape.elementCount.multiplied(by: max(bits / 8, 1)) == nil
    {
      throw CairnError(
        .limitExceeded, "the tensor has more bytes than the format allows", at: location,
        expected: "below 2^63", found: "\(shape) of \(dtype)")
    }
    guard hasFittingByteCount else {
      throw CairnError(
        .invalidTensorRecord, "the number of bytes is not what type and shape give", at: location,
        expected: dtype.byteCount(elements: shape.elementCount).map { "\($0)" }
          ?? "one that \(dtype) elements of shape \(shape) can take",
        found: "\(byteCount)")
    }
  }

  /// Whether the bytes are as many as type and shape ask for.
  var hasFittingByteCount: Bool {
    guard dtype == .string else {
      return dtype.byteCount(elements: shape.elementCount) == byteCount
    }
    guard let least = shape.elementCount.multiplied(by: 8) else { return false }
    // Without elements there is no last end offset that could say how many bytes there are.
    return least == 0 ? byteCount == 0 : byteCount >= least
  }

  init(
    name: TensorName, dtype: DType, shape: Shape, byteCount: Int, storageClass: StorageClass,
    filter: PlaneFilter, position: UInt32, owner: UInt32
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = byteCount
    self.storageClass = storageClass
    self.filter = filter
    self.position = position
    self.owner = owner
  }

  /// The pieces in which the data lies in the file: blocks of a raw tensor, chunks of a coded one.
  func pieces(log2ChunkSize: Int) -> Pieces {
    switch storageClass {
    case .raw: .blocks(of: byteCount)
    case .chunked: .chunks(of: byteCount, dtype: dtype, log2ChunkSize: log2ChunkSize)
    case .alias: Pieces(byteCount: 0, pieceByteCount: 1)
    }
  }
}
