// Writing HDF5 files in one pass: the size of each object is known before the first byte is
// written. Libraries from 1.8 on can read them: superblock 2, object headers 2, links in their
// groups' headers, every dataset in one piece, no times.

import CairnCheckpoints
import CairnCodec
import CairnContainer
package import CairnSystem
package import CairnTensors

/// A dataset that is to be written.
package struct HDF5WrittenDataset {
  /// The path from the root.
  package var path: String
  var dtype: DType
  var shape: Shape
  package var byteCount: Int
  /// The index of the tensor in the source.
  package var index: Int
  package var attributes: [(name: String, value: MetadataValue)] = []

  package init(path: String, dtype: DType, shape: Shape, byteCount: Int, index: Int) {
    self.path = path
    self.dtype = dtype
    self.shape = shape
    self.byteCount = byteCount
    self.index = index
  }
}

/// The plan of a file: where everything goes, and all bytes except those of elements.
package struct HDF5Plan {
  /// A part of the file.
  package enum Part {
    case bytes([UInt8])
    /// The elements of a dataset, by its place in the list.
    case elements(Int)
  }
  package private(set) var parts: [Part] = []
  private(set) var byteCount = 0

  private static let superblockByteCount = 48
  private static let undefined = UInt64.max

  fileprivate final class Node {
    var children: [(name: ByteKey, node: Node)] = []
    var places: [ByteKey: Int] = [:]
    var attributes: [(name: String, value: MetadataValue)] = []
    var dataset: Int?
    var address = 0
  }

  /// Lays out a file.
  ///
  /// - Parameters:
  ///   - datasets: In the order of their elements; the order of links follows it.
  ///   - attributes: The attributes of objects other than datasets, by the objects' paths. If there
  ///     is no object at a path, a group is made. The root's path is empty.
  /// - Throws: `cannotHold` for a path that is not valid, or is both a dataset's and a group's; for
  ///   an attribute or type that the format cannot hold.
  package init(
    _ datasets: [HDF5WrittenDataset],
    attributes: [(path: String, name: String, value: MetadataValue)]
  ) throws(CairnError) {
    let root = Node()
    for (number, dataset) in datasets.enumerated() {
      let node = try Self.node(dataset.path, below: root)
      guard node.dataset == nil, node.children.isEmpty else { throw Self.conflict(dataset.path) }
      node.dataset = number
      node.attributes = dataset.attributes
    }
    for attribute in attributes {
      try Self.node(attribute.path, below: root).attributes
        .append((attribute.name, attribute.value))
    }
    try root.checkAttributes(at: "")
    var texts = HDF5TextHeap()
    // Elements come first, because the headers name their addresses.
    var end = Self.superblockByteCount
    var places: [Int] = []
    for (number, dataset) in datasets.enumerated() {
      end = (end + 63) / 64 * 64
      places.append(end)
      pad(to: end, from: Self.superblockByteCount)
      if dataset.byteCount > 0 { parts.append(.elements(number)) }
      end += dataset.byteCount
      byteCount = end - Self.superblockByteCount
    }
    end = (end + 7) / 8 * 8
    pad(to: end, from: Self.superblockByteCount)
    byteCount = end - Self.superblockByteCount
    // The heaps of texts come before the headers, but what they hold is known only from the
    // headers.
    texts.collect(root.allAttributes())
    let heaps = texts.layOut(from: end)
    parts.append(.bytes(heaps))
    end += heaps.count
    var headers: [UInt8] = []
    try Self.write(root, datasets, places, &texts, &headers, from: end)
    parts.append(.bytes(headers))
    end += headers.count
    var superblock = ByteBuilder(HDF5Superblock.signature + [2, 8, 8, 0])
    superblock.append(UInt64(0))
    superblock.append(Self.undefined)
    superblock.append(UInt64(end))
    superblock.append(UInt64(root.address))
    superblock.appendHash()
    parts.insert(.bytes(superblock.bytes), at: 0)
    byteCount = end
  }

  private mutating func pad(to end: Int, from start: Int) {
    let count = end - start - byteCount
    if count > 0 { parts.append(.bytes([UInt8](repeating: 0, count: count))) }
  }

  private static func conflict(_ path: String) -> CairnError {
    CairnError(
      .cannotHold, "a name is another's folder, which HDF5 cannot hold", at: .init(name: path),
      advice: "Write a .cairn file, or rename the tensor first")
  }

  /// The most bytes of a link's name. Its message, with a head, must have less than 64 KiB.
  static let longestName = 65_000
  /// The deepest nesting of groups, for the library and for Cairn itself.
  static let deepestPath = 64

  /// The names of a path from the root, split at slashes.
  ///
  /// - Throws: `cannotHold` for a path that HDF5 cannot have: the library cuts a name at its first
  ///   NUL, and skips empty names and `.`.
  package static func components(of path: String) throws(CairnError) -> [ByteKey] {
    let parts = ByteKey(path).split(at: "/")
    guard parts.count <= deepestPath,
      parts.allSatisfy({
        !$0.bytes.isEmpty && $0 != "." && !$0.bytes.contains(0) && $0.bytes.count <= longestName
      })
    else {
      throw CairnError(
        .cannotHold, "the name is no path that HDF5 can hold", at: .init(name: path.excerpt),
        advice: "Write a .cairn file, or rename the tensor first")
    }
    return parts
  }

  /// The node of a path, made if it is not there.
  private static func node(_ path: String, below root: Node) throws(CairnError) -> Node {
    var node = root
    guard !path.isEmpty else { return root }
    for part in try components(of: path) {
      guard node.dataset == nil else { throw conflict(path) }
      if let place = node.places[part] {
        node = node.children[place].node
      } else {
        let next = Node()
        node.places[part] = node.children.count
        node.children.append((part, next))
        node = next
      }
    }
    return node
  }

  /// Appends the header of a node, after the headers of its children.
  private static func write(
    _ node: Node, _ datasets: [HDF5WrittenDataset], _ places: [Int], _ texts: inout HDF5TextHeap,
    _ headers: inout [UInt8], from start: Int
  ) throws(CairnError) {
    for child in node.children {
      try write(child.node, datasets, places, &texts, &headers, from: start)
    }
    var messages = ByteBuilder()
    if let number = node.dataset {
      let dataset = datasets[number]
      messages.appendMessage(1, HDF5Encoding.dataspace(dataset.shape.dimensions))
      messages.appendMessage(3, try HDF5Encoding.datatype(dataset.dtype, of: dataset.path))
      // No fill value: elements that were not written would be zeros.
      messages.appendMessage(5, [3, 0x0A])
      var layout = ByteBuilder([3, 1])
      layout.append(dataset.byteCount > 0 ? UInt64(places[number]) : undefined)
      layout.append(UInt64(dataset.byteCount))
      messages.appendMessage(8, layout.bytes)
    } else {
      // Version 0; the order of creation is kept.
      var information = ByteBuilder([0, 1])
      information.append(UInt64(node.children.count))
      information.append(undefined)
      information.append(undefined)
      messages.appendMessage(2, information.bytes)
      messages.appendMessage(10, [0, 0])
      for (order, child) in node.children.enumerated() {
        let name = child.name.bytes
        // The flags: order of creation, character set, a length of two bytes.
        var link = ByteBuilder([1, 0x04 | 0x10 | 0x01])
        link.append(UInt64(order))
        link.append(UInt8(1))
        link.append(UInt16(clamping: name.count))
        link.append(name)
        link.append(UInt64(child.node.address))
        messages.appendMessage(6, link.bytes)
      }
    }
    for attribute in node.attributes {
      messages.appendMessage(
        12, try HDF5Encoding.attribute(attribute.name, attribute.value, &texts))
    }
    node.address = start + headers.count
    var header = ByteBuilder(Array("OHDR".utf8) + [2, 2])
    guard let count = UInt32(exactly: messages.bytes.count) else {
      throw CairnError(
        .cannotHold, "a group has more members and attributes than HDF5 can hold in one",
        advice: "Write a .cairn file")
    }
    header.append(count)
    header.append(messages.bytes)
    header.appendHash()
    headers += header.bytes
    headers += [UInt8](repeating: 0, count: padding(after: headers.count, to: 8))
  }
}

extension HDF5Plan.Node {
  /// The attributes of the node and of all nodes below it, in the order in which headers are
  /// written.
  fileprivate func allAttributes() -> [MetadataValue] {
    children.flatMap { $0.node.allAttributes() } + attributes.map(\.value)
  }

  /// Checks that no object has two attributes of the same name.
  ///
  /// - Throws: `cannotHold`.
  fileprivate func checkAttributes(at path: String) throws(CairnError) {
    var names = Set<ByteKey>()
    for (name, _) in attributes where !names.insert(ByteKey(name)).inserted {
      throw CairnError(
        .cannotHold, "an object would have two HDF5 attributes of one name",
        at: .init(name: "\(path)@\(name)".excerpt),
        advice: "Write a .cairn file, or accept the loss of metadata", remedies: [.acceptLoss])
    }
    for child in children {
      try child.node.checkAttributes(
        at: path.isEmpty ? child.name.text : path + "/" + child.name.text)
    }
  }
}

extension ByteBuilder {
  /// Appends the hash of all bytes so far.
  mutating func appendHash() { append(Lookup3.hash(bytes.span)) }

  /// A message of an object header.
  mutating func appendMessage(_ kind: UInt8, _ body: [UInt8]) {
    append(kind)
    append(UInt16(clamping: body.count))
    append(UInt8(0))
    append(body)
  }
}
