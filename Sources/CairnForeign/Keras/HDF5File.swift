// An HDF5 file as a source of tensors: Keras's `.weights.h5`, its whole models of older versions, and
// files of others.

package import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// HDF5, for reading: Keras's weights, its older whole models, and arrays of other programs.
  package static let hdf5Reader = CheckpointFormat(
    name: "hdf5", extensions: ["weights.h5", "h5", "hdf5"], lacks: [.configuration, .blobs],
    recognises: { $0.file.map { HDF5Superblock.place(in: $0) != nil } ?? false },
    open: { (place) throws(CairnError) in
      try HDF5File(place.openFile(), limits: place.options.limits)
    })
}

/// The datasets of an HDF5 file, by their paths from the root (`layers/dense/vars/0`).
///
/// The order of weights is the order in Keras's lists of names if there are any; the rest follow in
/// the order of the file. Attributes are metadata: the root's under their names, others' under
/// their object's path, an `@` and their name. An attribute `model_config` of the root is the
/// configuration.
package struct HDF5File: TableSource {
  let table: TensorTable
  /// The metadata are the attributes. The attribute `model_config`, in canonical form, is the
  /// configuration if it is JSON. Opaque items are datasets of other types and layouts, and links
  /// that lead by a path. Remarks name attributes that metadata cannot hold.
  package let attachments: Attachments
  /// Bytes of the file.
  package let fileByteCount: Int
  private let superblockVersion: UInt8

  /// The version of the superblock.
  package var formatVersion: String? { "\(superblockVersion)" }

  /// The attributes with a dataset's name and place from before it was written as Keras wants it.
  package static let nameKey = "cairn_name"
  package static let positionKey = "cairn_position"
  /// The attributes with the further names of a dataset, and their places.
  package static let aliasKey = "cairn_aliases"
  package static let aliasPositionKey = "cairn_alias_positions"

  /// Opens a file whose bytes `source` has. Nothing that a file names is opened: links other than
  /// hard ones, external and virtual datasets are opaque items, and so are datasets whose type no
  /// tensor has.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unsupported`, `checksumMismatch`, `limitExceeded`,
  ///   `sizeMismatch`, `invalidShape`, `invalidName`, `duplicateName`.
  package init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    do throws(CairnError) {
      let contents = try HDF5Contents(source, limits: limits)
      superblockVersion = contents.superblock.version
      fileByteCount = source.count
      var attributes = HDF5AttributeTable()
      for group in contents.groups { attributes.add(group.attributes, of: group.path) }
      var table = TensorTable(path: source.path)
      var stated: [Int?] = []
      var further: [(item: TensorTable.Item, position: Int?)] = []
      for dataset in contents.datasets {
        let added = try attributes.take(dataset)
        stated.append(added.position)
        for (name, position) in added.aliases {
          further.append(
            (
              TensorTable.Item(
                name: name, dtype: dataset.dtype, shape: dataset.shape, elements: dataset.elements,
                aliasOf: table.items.count, codec: dataset.codec, storedByteCount: 0), position
            ))
        }
        try table.add(
          TensorTable.Item(
            name: added.name, dtype: dataset.dtype, shape: dataset.shape,
            elements: dataset.elements, aliasOf: dataset.aliasOf, codec: dataset.codec,
            storedByteCount: dataset.aliasOf == nil ? dataset.storedByteCount : 0))
      }
      for alias in further {
        try table.add(alias.item)
        stated.append(alias.position)
      }
      let (metadata, remarks) = (Metadata(attributes.pairs), attributes.remarks)
      table.positions = Self.positions(stated) ?? Self.positions(table, metadata)
      attachments = Attachments(
        metadata: metadata, parsed: attributes.configuration,
        opaqueItems: contents.opaque.items, remarks: remarks)
      self.table = table
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// The places that the datasets' attributes give; nil unless each dataset has one and all differ.
  private static func positions(_ stated: [Int?]) -> [Int]? {
    let known = stated.compactMap { $0 }
    guard known.count == stated.count, known.sorted() == Array(known.indices) else { return nil }
    return known
  }

  /// The places by Keras's lists of names.
  private static func positions(_ table: TensorTable, _ metadata: Metadata) -> [Int] {
    var ranks: [[UInt8]: Int] = [:]
    for path in KerasNameLists(metadata).paths where ranks[Array(path.utf8)] == nil {
      ranks[Array(path.utf8)] = ranks.count
    }
    let order = table.items.indices.sorted { left, right in
      let ranked = [left, right].map { ranks[table.items[$0].name.utf8] ?? .max }
      return ranked[0] == ranked[1] ? left < right : ranked[0] < ranked[1]
    }
    var positions = [Int](repeating: 0, count: order.count)
    for (position, index) in order.enumerated() { positions[index] = position }
    return positions
  }
}

/// Collects attributes as metadata.
private struct HDF5AttributeTable {
  var pairs: [(key: TensorName, value: MetadataValue)] = []
  var configuration: ConfigurationText?
  var remarks: [String] = []
  private var known = Set<TensorName>()

  mutating func add(_ attributes: [HDF5Attribute], of path: String) {
    for attribute in attributes {
      if path.isEmpty, attribute.name.isSpelt(as: "model_config"),
        let text = attribute.value.flatMap(Self.text),
        let canonical = try? ConfigurationText(parsing: text).canonical()
      {
        configuration = canonical
      } else {
        add(attribute, of: path)
      }
    }
  }

  private static func text(_ value: MetadataValue) -> [UInt8]? {
    switch value {
    case .string(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    default: nil
    }
  }

  private mutating func add(_ attribute: HDF5Attribute, of path: String) {
    let name = path.isEmpty ? attribute.name : path + "@" + attribute.name
    guard let value = attribute.value, let key = try? TensorName(name) else {
      remarks.append(
        "The attribute \(name.excerpt) (\(attribute.typeName)) is left out: "
          + "metadata has no place for it.")
      return
    }
    pairs.append((free(key), value))
  }

  /// The key, with a number behind it if it is taken: an attribute's own name may contain `@`.
  private mutating func free(_ key: TensorName) -> TensorName {
    guard !known.insert(key).inserted else { return key }
    var number = 2
    // Every key that is taken comes from an attribute, and few attributes have the same name.
    while true {
      guard let numbered = try? TensorName(key.string + "~\(number)") else { return key }
      if known.insert(numbered).inserted {
        remarks.append(
          "The attribute \(key.string.excerpt) stands there twice; one is called "
            + "\(numbered.string.excerpt) here.")
        return numbered
      }
      number += 1
    }
  }

  /// What the attributes say of a dataset.
  struct Noted {
    var name: TensorName
    var position: Int?
    var aliases: [(name: TensorName, position: Int?)]
  }

  /// A dataset's name and place, from the attributes that a writer noted them in. Its other
  /// attributes are kept.
  mutating func take(_ dataset: HDF5Dataset) throws(CairnError) -> Noted {
    var name = try TensorName(dataset.path)
    var position: Int?
    var aliases: [(name: TensorName, position: Int?)] = []
    var others = dataset.attributes
    if case .string(let text) = others.value(HDF5File.nameKey), let noted = try? TensorName(text),
      dataset.aliasOf == nil
    {
      name = noted
      others.removeAll { $0.name.isSpelt(as: HDF5File.nameKey) }
    }
    if case .int(let number) = others.value(HDF5File.positionKey), dataset.aliasOf == nil {
      position = Int(exactly: number)
      others.removeAll { $0.name.isSpelt(as: HDF5File.positionKey) }
    }
    if dataset.aliasOf == nil, case .strings(let names) = others.value(HDF5File.aliasKey) {
      var places: [Int64] = []
      if case .ints(let found) = others.value(HDF5File.aliasPositionKey) { places = found }
      for (number, name) in names.enumerated() {
        let place = number < places.count ? Int(exactly: places[number]) : nil
        aliases.append((try TensorName(name), place))
      }
      others.removeAll {
        $0.name.isSpelt(as: HDF5File.aliasKey) || $0.name.isSpelt(as: HDF5File.aliasPositionKey)
      }
    }
    if dataset.dtype == .bfloat16, others.says("dtype", "bfloat16") {
      others.removeAll { $0.name.isSpelt(as: "dtype") }
    }
    if dataset.aliasOf == nil { add(others, of: dataset.path) }
    return Noted(name: name, position: position, aliases: aliases)
  }
}
