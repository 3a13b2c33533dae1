// Plans the safetensors file of a source: its header, and the order of the tensors' bytes.
//
// Data is laid out as by the format's own library: by falling alignment of the element type, then
// by name. With a header of a multiple of 8 bytes every tensor is then aligned. The header names
// the tensors in the order of weights. Readers that sort by offset don't mind that, and ours keeps
// it. In a file that the format's own library wrote both orders are the same, so it comes out
// unchanged.

package import CairnCheckpoints
import CairnJSON
package import CairnSystem
import CairnTensors

/// A safetensors file that is about to be written.
package struct SafetensorsLayout: Sendable {
  /// The tensors in the order of their data: index in the source, and bytes.
  package private(set) var data: [(index: Int, byteCount: Int)] = []
  /// The bytes of all tensors.
  package private(set) var dataByteCount = 0
  /// The start of the file: length, JSON, spaces.
  package private(set) var header: [UInt8] = []

  /// A tensor with everything that decides its place.
  private struct Item {
    var entry: TensorEntry
    /// The index of the tensor whose bytes are written: its own, or its owner's if it is tied.
    var index: Int
    var spelling: String
    var rank: Int
    var begin = 0
  }

  /// Plans a file with everything that `source` has.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold and `losses` doesn't name;
  ///   `duplicateName`, `noSuchTensor`, `sizeMismatch` for a source that contradicts itself.
  package init(
    of source: any TensorSource, accepting losses: AcceptedLosses, isShard: Bool = false
  ) throws(CairnError) {
    try CheckpointFormat.safetensors.refuse(source, accepting: losses)
    let tiesAreHeld = try SafetensorsTies.areHeld(of: source)
    var items: [Item] = []
    items.reserveCapacity(source.count)
    for index in try source.indicesInWeightOrder() {
      if tiesAreHeld, try source.entry(at: index).aliasOf != nil { continue }
      items.append(try Self.item(index, of: source))
    }
    // The metadata of a shard contain second names of the whole checkpoint, so they are not
    // checked.
    if !isShard { try Self.refusePhantoms(of: source, items) }
    let order = items.indices.sorted { left, right in
      let (a, b) = (items[left], items[right])
      return a.rank == b.rank ? a.entry.name < b.entry.name : a.rank > b.rank
    }
    for place in order {
      let byteCount = items[place].entry.byteCount
      items[place].begin = dataByteCount
      guard let end = dataByteCount.adding(byteCount) else {
        throw CairnError(.cannotHold, "the tensors have more bytes than can be counted")
      }
      dataByteCount = end
      data.append((items[place].index, byteCount))
    }
    header = try Self.header(
      items, try Self.metadata(source.metadata), note: source.metadata[FormatNotes.safetensors])
  }

  /// Refuses metadata that a reader would take for a second name of a tensor, but that is none.
  private static func refusePhantoms(
    of source: any TensorSource, _ items: [Item]
  ) throws(CairnError) {
    var names: [TensorName: Int] = [:]
    for (number, item) in items.enumerated() { names[item.entry.name] = number }
    for (name, _) in SafetensorsTies.aliases(in: source.metadata, index: { names[$0] })
    where try source.index(of: name) == nil {
      throw CairnError(
        .cannotHold, "a text of the metadata would be read as a second name of a tensor",
        at: .init(name: name.string),
        advice: "Write a .cairn file, or leave the key out", remedies: [.excludeMetadata])
    }
  }

  private static func item(
    _ index: Int, of source: any TensorSource
  ) throws(CairnError) -> Item {
    let entry = try source.entry(at: index)
    let name = entry.name
    guard let spelling = SafetensorsDType.spelling(of: entry.dtype) else {
      throw CairnError(
        .cannotHold, "safetensors has no element type \(entry.dtype)", at: .init(name: name.string),
        expected: "one of \(SafetensorsDType.names)",
        advice: "Write a .cairn file, or convert the tensor first")
    }
    guard !name.utf8.elementsEqual(SafetensorsHeader.metadataKey.utf8) else {
      throw CairnError(
        .cannotHold, "safetensors keeps that name for its metadata", at: .init(name: name.string),
        advice: "Rename the tensor")
    }
    switch SafetensorsDType.size(of: entry.dtype, dimensions: entry.shape.dimensions) {
    case .bytes(let count):
      guard count == entry.byteCount else {
        throw CairnError(
          .sizeMismatch, "the source gives a size that its type and shape do not",
          at: .init(name: name.string), expected: "\(count) bytes", found: "\(entry.byteCount)")
      }
    case .partialByte:
      throw CairnError(
        .cannotHold, "safetensors holds whole bytes only, which these elements do not fill",
        at: .init(name: name.string), found: "\(entry.dtype) \(entry.shape)",
        advice: "Write a .cairn file, or convert the tensor first")
    case .overflow:
      throw CairnError(
        .cannotHold, "readers of safetensors cannot count the bytes of this shape",
        at: .init(name: name.string), found: "\(entry.dtype) \(entry.shape)",
        advice: "Write a .cairn file, or reshape the tensor first")
    }
    return Item(
      entry: entry, index: try source.ownerIndex(of: entry, at: index), spelling: spelling.name,
      rank: spelling.rank)
  }

  private static func metadata(
    _ metadata: Metadata
  ) throws(CairnError) -> JSONObject {
    var object = JSONObject()
    for (key, value) in metadata where !FormatNotes.keys.contains(key) {
      if case .string(let text) = value {
        object[key.string] = .string(text)
      } else {
        object[key.string] = .string(try text(of: value.json()))
      }
    }
    return object
  }

  static func text(of value: JSONValue) throws(CairnError) -> String {
    do throws(JSONError) {
      return try value.text(.compact, allowNonFiniteNumbers: true)
    } catch {
      throw CairnError(.cannotHold, "cannot write JSON: \(error.message)", cause: error)
    }
  }

  private static func header(
    _ items: [Item], _ metadata: JSONObject, note: MetadataValue?
  ) throws(CairnError) -> [UInt8] {
    var root = JSONObject()
    if !metadata.isEmpty {
      root[SafetensorsHeader.metadataKey] = .object(metadata)
    } else if note == .string("null") {
      root[SafetensorsHeader.metadataKey] = .null
    } else if note == .string("{}") {
      root[SafetensorsHeader.metadataKey] = .object([:])
    }
    for item in items {
      let name = item.entry.name.string
      guard root[name] == nil else {
        throw CairnError(.duplicateName, "two tensors have the same name", at: .init(name: name))
      }
      root[name] = .object([
        "dtype": .string(item.spelling),
        "shape": .array(item.entry.shape.dimensions.map { .integer(Int64($0)) }),
        "data_offsets": [
          .integer(Int64(item.begin)), .integer(Int64(item.begin + item.entry.byteCount)),
        ],
      ])
    }
    var json = Array(try text(of: .object(root)).utf8)
    json += repeatElement(0x20, count: (8 - json.count % 8) % 8)
    guard json.count <= SafetensorsHeader.maximumByteCount else {
      throw CairnError(
        .cannotHold, "the header would be larger than safetensors allows",
        expected: "at most \(SafetensorsHeader.maximumByteCount) bytes", found: "\(json.count)",
        advice: "Write a .cairn file, or several files")
    }
    return UInt64(json.count).littleEndianBytes + json
  }
}
