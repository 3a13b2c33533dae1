// Writing a tensor bundle (tensorflow/core/util/tensor_bundle/tensor_bundle.cc, `BundleWriter`): one data
// file, then the index.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Writes all tensors of a source into a tensor bundle: `PREFIX.index` and
/// `PREFIX.data-00000-of-00001`.
///
/// The keys are the tensors' names. Tensors from an object graph include the graph's own key
/// (`_CHECKPOINTABLE_OBJECT_GRAPH`), so the result is an object-based checkpoint again.
struct BundleWriter: TensorSink {
  let target: WriteTarget

  /// Writes both files; the index appears last.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless its loss is accepted.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try CheckpointFormat.tensorflow.refuse(source, accepting: target.losses)
    let ending = ".index"
    let path = try target.path()
    guard let prefix = path.dropping(suffix: ending), !prefix.isEmpty,
      !prefix.spellingEnds(with: "/")
    else {
      throw CairnError(
        .invalidArgument, "the name is not that of a bundle's index", at: .init(file: path),
        expected: "such as model.index")
    }
    let tensors = try source.written(0..<source.count, as: Self.type)
      .sorted { $0.entry.name < $1.entry.name }
    for (one, next) in zip(tensors, tensors.dropFirst()) where one.entry.name == next.entry.name {
      throw CairnError(
        .duplicateName, "two tensors have the same name", at: .init(name: one.entry.name.string))
    }
    var group = try FileGroup(index: path, options: target.options)
    let file = try group.part(prefix + ".data-00000-of-00001")
    var data = BundleData(file: file)
    var table = SortedTableWriter()
    // `BundleHeaderProto`: one data file, producer version 1.
    table.add([], ProtobufFields.number(1, 1) + ProtobufFields.message(3, [8, 1]))
    var count = ProgressCount(of: tensors.byteCount())
    for tensor in tensors {
      let start = data.position
      data.begin()
      if tensor.entry.dtype == .string {
        try data.addTexts(source, tensor.index, tensor.entry)
      } else {
        try data.add(source, tensor.index, 0..<tensor.entry.byteCount)
      }
      table.add(tensor.entry.name.utf8, Self.message(tensor, start..<data.position, data.crc))
      try count.add(tensor.entry.byteCount, progress)
    }
    return try group.commit(index: table.finish())
  }

  /// The number of the tensor's type.
  private static func type(of entry: TensorEntry, _ index: Int) throws(CairnError) -> Int {
    guard let type = BundleEntry.number(of: entry.dtype) else {
      throw CairnError(
        .cannotHold, "tensorflow has no element type \(entry.dtype)",
        at: .init(name: entry.name.string),
        advice: "Write a .cairn file, or cast the tensor first")
    }
    return type
  }

  /// `BundleEntryProto`.
  private static func message(
    _ tensor: WrittenTensor<Int>, _ range: Range<Int>, _ crc: UInt32
  ) -> [UInt8] {
    let shape = tensor.entry.shape.dimensions.flatMap {
      ProtobufFields.message(2, ProtobufFields.number(1, $0))
    }
    // The tag of field 6, a number of four bytes.
    let checksum = [6 << 3 | 5] + CRC32C.masked(crc).littleEndianBytes
    return ProtobufFields.number(1, tensor.form) + ProtobufFields.message(2, shape)
      + ProtobufFields.number(4, range.lowerBound) + ProtobufFields.number(5, range.count)
      + checksum
  }
}

/// The data file, with the checksum of the tensor that is being written.
private struct BundleData {
  let file: AtomicFile
  private(set) var position = 0
  private(set) var crc: UInt32 = 0
  private var window = ByteWindow()

  init(file: AtomicFile) { self.file = file }

  mutating func begin() { crc = 0 }

  private mutating func append(_ bytes: Span<UInt8>) throws(CairnError) {
    crc = CRC32C.checksum(bytes, continuing: crc)
    try file.append(bytes)
    position += bytes.count
  }

  /// Appends a part of a tensor's bytes.
  mutating func add(
    _ source: any TensorSource, _ index: Int, _ range: Range<Int>
  ) throws(CairnError) {
    // The window is taken out of `self`: otherwise it would overlap with a call on `self`.
    var window = window
    try source.pass(range, of: index, through: &window) { (bytes) throws(CairnError) in
      try append(bytes)
    }
    self.window = window
  }

  /// Appends a string tensor (`WriteStringTensor`): lengths, their checksum, texts. In the checksum
  /// of the whole a length counts as four bytes, or as eight if it needs them, not in the form that
  /// the file has.
  mutating func addTexts(
    _ source: any TensorSource, _ index: Int, _ entry: TensorEntry
  ) throws(CairnError) {
    let count = entry.shape.elementCount
    guard let endBytes = count.multiplied(by: 8), endBytes <= entry.byteCount else {
      throw CairnError(
        .sizeMismatch, "the source gives a size that its type and shape do not",
        at: .init(name: entry.name.string))
    }
    var ends = [UInt8](repeating: 0, count: endBytes)
    var span = ends.mutableSpan
    try source.read(at: index, from: 0, into: &span)
    var lengths: [UInt8] = []
    var last: UInt64 = 0
    for place in 0..<count {
      let end: UInt64 = ends.span.field(place * 8)
      guard end >= last, end <= UInt64(entry.byteCount - endBytes) else {
        throw CairnError(
          .invalidElement, "a text ends before it begins", at: .init(index: place))
      }
      let length = end - last
      ProtobufFields.append(length, to: &lengths)
      let plain = UInt32(exactly: length).map(\.littleEndianBytes) ?? length.littleEndianBytes
      crc = CRC32C.checksum(plain.span, continuing: crc)
      last = end
    }
    guard last == UInt64(entry.byteCount - endBytes) else {
      throw CairnError(.invalidElement, "bytes are left behind the texts")
    }
    try file.append(lengths.span)
    position += lengths.count
    let masked = CRC32C.masked(crc).littleEndianBytes
    try append(masked.span)
    try add(source, index, endBytes..<entry.byteCount)
  }
}
