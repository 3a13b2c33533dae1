// The header of a safetensors file. All of the format:
//
//     40 00 00 00 00 00 00 00                        u64, little-endian: the header has 64 bytes
//     {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}··········
//                                                    JSON, padded with spaces (here to 64 bytes)
//     00 00 80 3F 00 00 00 40                        the data: 1.0 and 2.0
//
// (https://github.com/huggingface/safetensors, "Format".) What that page forbids is refused. Some
// things that its own library accepts are refused too: keys that occur twice, unknown keys in an
// entry, an entry written as an array, white space other than spaces at the end. Tensors of unknown
// types, and names and keys that cannot be kept here, are listed but not read.

import CairnCheckpoints
import CairnJSON
package import CairnSystem
package import CairnTensors

/// What a header says, checked against the length of the data.
package struct SafetensorsHeader: Sendable {
  /// One tensor of the header.
  package struct Item: Sendable {
    package var name: TensorName
    package var dtype: DType
    package var shape: Shape
    /// Where its bytes are, from the start of the data.
    package var range: Range<Int>
  }

  /// The tensors, in the order in which the header names them.
  package private(set) var items: [Item] = []
  package private(set) var metadata = Metadata()
  /// Tensors of unknown types, or under names that cannot be kept here.
  private(set) var opaque = OpaqueItems()

  /// The bytes of the length in front of the header.
  package static let lengthByteCount = 8
  /// The key under which the header holds the metadata: no tensor can have that name.
  package static let metadataKey = "__metadata__"
  /// The largest header that the format allows.
  package static let maximumByteCount = 100_000_000

  /// Reads a header.
  ///
  /// - Parameters:
  ///   - bytes: The header, without the length in front of it.
  ///   - dataByteCount: The bytes of the file after it.
  /// - Throws: `invalidHeader`, `duplicateName`, `invalidShape`, `sizeMismatch`,
  ///   `overlappingTensors`, `gapBetweenTensors`, `truncated`, `trailingBytes`; the
  ///   offset counts from the start of the file.
  package init(parsing bytes: [UInt8], dataByteCount: Int) throws(CairnError) {
    guard bytes.first == UInt8(ascii: "{") else {
      throw CairnError(
        .invalidHeader, "the header does not begin with ‘{’", at: Self.location(0),
        expected: "0x7b", found: bytes.first.map { "0x" + hex($0, digits: 2) } ?? "nothing",
        advice: Self.advice)
    }
    let end = (bytes.lastIndex { $0 != 0x20 } ?? 0) + 1
    guard ![0x09, 0x0A, 0x0D].contains(bytes[end - 1]) else {
      throw CairnError(
        .invalidHeader, "the header ends with white space other than spaces",
        at: Self.location(end - 1), expected: "0x20", found: "0x" + hex(bytes[end - 1], digits: 2),
        advice: Self.advice)
    }
    let texts = HeaderPlaces(bytes)
    // A header may name a million tensors: each entry is let go before the next one is read.
    var reading = Reading()
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONValue.parsing(bytes.span.extracting(0..<end), limits: Self.limits(end)) {
        reading.add(Entry(member: $0, key: $1, value: $2, places: texts))
      }
    } catch {
      throw CairnError(
        error.code == .duplicateKey ? .duplicateName : .invalidHeader,
        error.code == .duplicateKey
          ? error.message : "the header is no valid JSON: \(error.message)",
        at: Self.location(error.offset), advice: Self.advice, cause: error)
    }
    guard case .object(let members) = root else {
      throw CairnError(.invalidHeader, "the header is no JSON object", at: Self.location(0))
    }
    if let failure = reading.failure { throw failure }
    (items, metadata, opaque) = (reading.items, reading.metadata, reading.opaque)
    try Self.checkOffsets(
      of: reading.places, dataByteCount, members, texts, headerByteCount: bytes.count)
  }

  /// What has been read of a header.
  private struct Reading {
    var items: [Item] = []
    var metadata = Metadata()
    var opaque = OpaqueItems()
    var places: [Place] = []
    /// The first entry that is wrong. It is thrown when the whole text is known to be JSON.
    var failure: CairnError?

    mutating func add(_ entry: Entry) {
      guard failure == nil else { return }
      do throws(CairnError) { try take(entry) } catch { failure = error }
    }

    private mutating func take(_ entry: Entry) throws(CairnError) {
      if entry.key.utf8.elementsEqual(SafetensorsHeader.metadataKey.utf8) {
        metadata = try entry.metadata(&opaque)
        return
      }
      let found = try entry.tensor()
      places.append(Place(member: entry.member, range: found.range))
      switch found {
      case .item(let item): items.append(item)
      case .unread(_, let type, let reason):
        try opaque.add(Array(entry.key.utf8), type, reason)
      }
    }
  }

  /// The advice for a header that no correct writer makes.
  package static let advice = "The file is damaged or no safetensors file; fetch it again"

  /// A header is nested three levels deep. The parser's own limit of 2^24 values is above what the
  /// largest honest header has, and bounds the memory that a hostile one takes.
  private static func limits(_ byteCount: Int) -> JSONLimits {
    var limits = JSONLimits()
    limits.maximumBytes = byteCount
    limits.maximumDepth = 3
    limits.maximumNumberBytes = 32
    return limits
  }

  /// A place in the header as a place in the file.
  package static func location(_ offset: Int, name: String? = nil) -> CairnError.Location {
    .init(offset: UInt64(clamping: offset) + UInt64(lengthByteCount), name: name)
  }

  /// Where a tensor's bytes are, from the start of the data, and its number in the header.
  private struct Place {
    var member: Int
    var range: Range<Int>
  }

  /// Checks that the tensors cover the data from its start to its end, each byte exactly once.
  private static func checkOffsets(
    of places: [Place], _ dataByteCount: Int, _ members: JSONObject, _ texts: HeaderPlaces,
    headerByteCount: Int
  ) throws(CairnError) {
    // Empty tensors begin and end at the same place; for them the order of the header decides.
    let order = places.indices.sorted { left, right in
      let (a, b) = (places[left].range, places[right].range)
      return (a.lowerBound, a.upperBound, left) < (b.lowerBound, b.upperBound, right)
    }
    var end = 0
    for (rank, index) in order.enumerated() {
      let place = places[index]
      let name = members[place.member].key
      if place.range.lowerBound != end {
        let overlaps = place.range.lowerBound < end
        let before =
          rank == 0
          ? "the start" : "the end of ‘\(members[places[order[rank - 1]].member].key)’"
        throw CairnError(
          overlaps ? .overlappingTensors : .gapBetweenTensors,
          overlaps
            ? "the tensor begins ahead of \(before)"
            : "the tensor does not begin at \(before): the bytes between belong to none",
          at: location(texts.offset(ofBeginOf: place.member), name: name),
          expected: "\(end)", found: "\(place.range.lowerBound)", advice: advice)
      }
      end = place.range.upperBound
      guard end <= dataByteCount else {
        throw CairnError(
          .truncated, "the file ends before the tensor does",
          at: .init(
            offset: UInt64(lengthByteCount + headerByteCount + dataByteCount), name: name),
          expected: "\(end) bytes of data", found: "\(dataByteCount)",
          advice: "The file is cut short; fetch it again")
      }
    }
    guard end == dataByteCount else {
      throw CairnError(
        .trailingBytes, "the file goes on after the last tensor",
        at: location(headerByteCount + end), expected: "\(end) bytes of data",
        found: "\(dataByteCount)", advice: advice)
    }
  }
}
