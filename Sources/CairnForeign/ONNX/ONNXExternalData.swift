// Elements outside the model's own file (onnx.proto, `TensorProto.external_data`; onnx,
// external_data_helper.py): where they are, and whether the file is the right one.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Where a tensor says that its elements are.
struct ONNXExternalData {
  private var values: [ByteKey: [UInt8]] = [:]

  /// The keys of the format. Others are ignored, as the onnx package does.
  private static let keys: Set<ByteKey> = ["location", "offset", "length", "checksum"]

  /// Adds an entry, a `StringStringEntryProto`.
  ///
  /// - Throws: `invalidHeader` for a key that occurs twice.
  mutating func add(_ reader: ProtobufReader, _ range: Range<Int>) throws(CairnError) {
    var pair = ProtobufReader(reader.source, in: range)
    var key: [UInt8]? = []
    var value: [UInt8]? = []
    while let field = try pair.next() {
      guard let range = field.range else { continue }
      if field.number == 1 { key = try pair.bytes(range, limit: 64) }
      if field.number == 2 { value = try pair.bytes(range, limit: 4_096) }
    }
    guard let key, Self.keys.contains(ByteKey(key)) else { return }
    guard let value, values.updateValue(value, forKey: ByteKey(key)) == nil else {
      throw CairnError(
        .invalidHeader, "an entry of the external data stands there twice, or is too long",
        at: .init(file: reader.source.path, offset: UInt64(range.lowerBound)),
        found: String(decoding: key, as: UTF8.self).excerpt)
    }
  }

  /// The path of the file, from the model's folder.
  ///
  /// - Throws: `invalidHeader` if there is none; `invalidPath`.
  func location() throws(CairnError) -> InnerPath {
    guard let location = values["location"] else {
      throw CairnError(.invalidHeader, "a tensor of external data has no location")
    }
    return try InnerPath(location)
  }

  /// The number under that key, if there is one.
  ///
  /// - Throws: `invalidHeader` for a value that is not a number from 0 on.
  func number(_ key: ByteKey) throws(CairnError) -> Int? {
    guard let value = values[key] else { return nil }
    let text = String(decoding: value, as: UTF8.self)
    guard let number = Int(text), number >= 0 else {
      throw CairnError(
        .invalidHeader, "the \(key.text) of external data is no number", found: text.excerpt)
    }
    return number
  }

  /// The SHA-1 of the file, in hexadecimal, if it is there.
  var checksum: [UInt8]? { values["checksum"] }
}

/// A file of external data. It is checked against the SHA-1 that the model records before its first
/// byte is used.
final class ONNXDataFile: ByteSource, Sendable {
  private let file: any ByteSource
  private let expected: Lock<Set<ByteKey>> = Lock([])
  private let found = Lock<ByteKey?>(nil)

  init(_ file: any ByteSource) { self.file = file }

  var count: Int { file.count }
  var path: String? { file.path }
  /// Nil if there is a checksum to check, so that all reading goes through the check.
  var memory: ByteRegion? { hasChecksum ? nil : file.memory }

  /// Records a checksum that a tensor gives.
  func expect(_ checksum: [UInt8]) {
    // Hexadecimal digits may be upper or lower case.
    let lower = checksum.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    _ = expected.withLock { $0.insert(ByteKey(lower)) }
  }

  func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try check { (_) throws(CairnError) in }
    try file.read(at: offset, into: &bytes)
  }

  /// Whether there is a checksum to check the file against.
  var hasChecksum: Bool { expected.withLock { !$0.isEmpty } }

  /// Checks the file, once.
  ///
  /// - Throws: `checksumMismatch`.
  func check(_ advance: (Int) throws(CairnError) -> Void) throws(CairnError) {
    let expected = expected.withLock { $0 }
    guard !expected.isEmpty else { return }
    let digest = try found.withLock { (found) throws(CairnError) -> ByteKey in
      if let found { return found }
      let digest = try sum(advance)
      found = digest
      return digest
    }
    guard let other = expected.filter({ $0 != digest }).min() else { return }
    throw CairnError(
      .checksumMismatch, "the file of external data has another SHA-1 than the model records",
      at: .init(file: path), expected: other.text.excerpt, found: digest.text,
      advice: "Fetch model and data of one version again")
  }

  private func sum(_ advance: (Int) throws(CairnError) -> Void) throws(CairnError) -> ByteKey {
    var hash = SHA1()
    try file.pass(0..<file.count) { (bytes) throws(CairnError) in
      hash.add(bytes)
      try advance(bytes.count)
    }
    return ByteKey(hash.digest().hexDigits)
  }
}

/// SHA-1 (FIPS 180-4, section 6.1), which ONNX uses. It protects from accidents, not from forgery.
struct SHA1 {
  private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
    0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0
  )
  private var pending: [UInt8] = []
  private var byteCount: UInt64 = 0
  private var words = [UInt32](repeating: 0, count: 80)

  /// Takes further bytes.
  mutating func add(_ bytes: Span<UInt8>) {
    byteCount &+= UInt64(bytes.count)
    var place = 0
    if !pending.isEmpty {
      while pending.count < 64, place < bytes.count {
        pending.append(bytes[place])
        place += 1
      }
      guard pending.count == 64 else { return }
      let block = pending
      process(block.span, at: 0)
      pending = []
    }
    while bytes.count - place >= 64 {
      process(bytes, at: place)
      place += 64
    }
    while place < bytes.count {
      pending.append(bytes[place])
      place += 1
    }
  }

  /// The digest of all bytes.
  mutating func digest() -> [UInt8] {
    let bits = byteCount &* 8
    var end: [UInt8] = [0x80]
    while (pending.count + end.count) % 64 != 56 { end.append(0) }
    end += (0..<8).reversed().map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
    add(end.span)
    return [state.0, state.1, state.2, state.3, state.4].flatMap { word in
      (0..<4).reversed().map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
    }
  }

  private mutating func process(_ bytes: Span<UInt8>, at start: Int) {
    for index in 0..<16 {
      var word: UInt32 = 0
      for byte in 0..<4 { word = word << 8 | UInt32(bytes[start + 4 * index + byte]) }
      words[index] = word
    }
    for index in 16..<80 {
      let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
      words[index] = mixed << 1 | mixed >> 31
    }
    var (a, b, c, d, e) = state
    for index in 0..<80 {
      let (f, k): (UInt32, UInt32) =
        switch index {
        case ..<20: (b & c | ~b & d, 0x5A82_7999)
        case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let next = (a << 5 | a >> 27) &+ f &+ e &+ k &+ words[index]
      (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
    }
    state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
  }
}
