// A source put together from others: some of their tensors, under other names, in other types or orders
// of dimensions. Nothing is read until somebody reads it.

public import CairnCheckpoints
import CairnForeign
public import CairnSystem
public import CairnTensors

/// The tensors of a source after edits: selection, new names, casts, other orders of dimensions, tensors
/// of other sources. Metadata, configuration and blobs are those of the source that was edited.
///
/// **Ties are kept.** An edit to a tensor under one of its names is an edit to the tensor, whatever
/// its other names. If a name is removed, the others stay, and the first that is left becomes the
/// owner. Each such consequence that was not asked for by name is among ``changes``.
public struct EditedTensors: Sendable {
  /// What a name leads to.
  struct Content: Sendable {
    var dtype: DType
    var shape: Shape
    var elements: any ElementBytes
    /// Where the unchanged tensor is found; nil once it is converted.
    var origin: TensorOrigin?
    /// How often it was transposed.
    var transpositions = 0
  }

  /// A name.
  struct Item: Sendable {
    var name: TensorName
    /// The number of its content.
    var content: Int
    /// Whether it is another name of a tensor that has a first one.
    var isAlias: Bool
    /// Whether the metadata say so too, as those of safetensors do.
    var isNoted = false
  }

  /// Something that was done.
  public struct Change: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable, Sendable {
      case other(String)
      /// Kept as names: long ones are not written out before somebody asks.
      case renamed(TensorName, TensorName)
    }
    private let kind: Kind
    /// What, in one line.
    public var description: String {
      switch kind {
      case .other(let text): text
      case .renamed(let old, let new): "rename ‘\(old)’ to ‘\(new)’"
      }
    }
    /// Whether it follows from an edit without having been asked for by name.
    package var isConsequence = false
    /// Whether numbers may have become others: a cast to a type that does not have all of them.
    public var isLossy = false

    init(description: String, isConsequence: Bool = false, isLossy: Bool = false) {
      self.kind = .other(description)
      self.isConsequence = isConsequence
      self.isLossy = isLossy
    }

    init(renamed old: TensorName, to new: TensorName) {
      self.kind = .renamed(old, new)
    }
  }

  let base: any TensorSource
  var contents: [Content] = []
  var items: [Item] = []
  /// The place of each name among the items.
  var places: [TensorName: Int] = [:]
  /// The place of each content's first name; nil for one that nobody names any longer.
  private var owners: [Int?] = []
  /// The base's metadata without what tells its ties.
  private var plainMetadata: Metadata
  /// The key-values of the base; if they record ties, they record those that there are now.
  package private(set) var metadata: Metadata
  /// What the sources hold and do not read, as far as it is not left out.
  package internal(set) var opaqueItems: [OpaqueItem] = []
  /// Of sources, whose tensors may be loaded at once.
  var budgets: [Int] = []
  var castGrowth = 1
  /// The blocks of memory that transposed tensors are gathered from: the first for those transposed once,
  /// the next for those transposed twice …
  var viewed: [ViewedBytes] = []
  /// What was done so far, in that order.
  public internal(set) var changes: [Change] = []

  /// The tensors of `base`, in the order of weights, before any edit.
  ///
  /// - Throws: `noSuchTensor` for an alias of what is not there; `duplicateName`; what reading the
  ///   entries throws.
  /// - Complexity: O(tensors log tensors).
  public init(_ base: any TensorSource) throws(CairnError) {
    self.base = base
    metadata = base.metadata
    plainMetadata = metadata
    try append(base) { (name) throws(CairnError) in name }
    try settle()
    for place in items.indices where items[place].isAlias {
      guard let owner = owners[items[place].content],
        metadata[items[place].name] == .string(items[owner].name.string)
      else { continue }
      items[place].isNoted = true
      plainMetadata[items[place].name] = nil
    }
  }

  /// Adds all tensors of a source, under the names that `renamed` gives them; nil leaves a name out.
  mutating func append(
    _ source: any TensorSource,
    _ renamed: (TensorName) throws(CairnError) -> TensorName?
  ) throws(CairnError) {
    // First, since it numbers the sources.
    budgets.append(source.plausibleByteCount)
    var numbers: [TensorName: Int] = [:]
    var pending: [(place: Int, owner: TensorName)] = []
    for index in try source.indicesInWeightOrder() {
      let entry = try source.entry(at: index)
      guard let name = try renamed(entry.name) else { continue }
      var number = entry.aliasOf.flatMap { numbers[$0] } ?? contents.count
      if entry.aliasOf == nil {
        numbers[entry.name] = number
        contents.append(content(source, index, entry))
      } else if number == contents.count {
        // An alias ahead of its owner.
        pending.append((items.count, entry.aliasOf ?? entry.name))
        number = 0
      }
      items.append(Item(name: name, content: number, isAlias: entry.aliasOf != nil))
    }
    for (place, owner) in pending {
      guard let number = numbers[owner] else { throw source.noSuchTensor(owner) }
      items[place].content = number
    }
    opaqueItems += source.opaqueItems
  }

  func content(_ source: any TensorSource, _ index: Int, _ entry: TensorEntry) -> Content {
    Content(
      dtype: entry.dtype, shape: entry.shape,
      elements: SourceElements(source: source, index: index, count: entry.byteCount),
      origin: TensorOrigin(source, index, number: budgets.count))
  }

  /// Takes a key out of the metadata, also out of what is put back after each edit.
  mutating func removeMetadata(_ key: TensorName) {
    metadata[key] = nil
    plainMetadata[key] = nil
  }

  /// To be called after each edit: finds the places of names anew, and sees to it that each content that
  /// has a name has a first one.
  ///
  /// - Throws: `duplicateName`.
  mutating func settle() throws(CairnError) {
    owners = [Int?](repeating: nil, count: contents.count)
    for place in items.indices where !items[place].isAlias { owners[items[place].content] = place }
    places = [:]
    places.reserveCapacity(items.count)
    for place in items.indices {
      let item = items[place]
      if owners[item.content] == nil {
        owners[item.content] = place
        items[place].isAlias = false
        changes.append(
          Change(
            description:
              "keep the tensor of which ‘\(item.name)’ was a second name under that name",
            isConsequence: true))
      }
      guard places.updateValue(place, forKey: item.name) == nil else {
        throw CairnError(
          .duplicateName, "two tensors would have the same name", at: .init(name: item.name.string),
          advice: "Rename or leave out one of them")
      }
    }
    guard items.contains(where: \.isNoted) || plainMetadata.count < metadata.count else { return }
    metadata = plainMetadata
    for item in items where item.isNoted && item.isAlias {
      guard let owner = owners[item.content] else { continue }
      metadata[item.name] = .string(items[owner].name.string)
    }
  }
}

extension EditedTensors: TensorView {
  /// The number of tensors, aliases included.
  public var count: Int { items.count }

  private func item(at index: Int) throws(CairnError) -> Item {
    try checkIndex(index)
    return items[index]
  }

  /// What is known of the tensor at `index`, in the order of weights.
  public func entry(at index: Int) throws(CairnError) -> TensorEntry {
    let item = try item(at: index)
    let content = contents[item.content]
    return TensorEntry(
      name: item.name, dtype: content.dtype, shape: content.shape,
      byteCount: content.elements.count, position: index,
      aliasOf: item.isAlias ? owners[item.content].map { items[$0].name } : nil)
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  public func index(of name: TensorName) throws(CairnError) -> Int? { places[name] }

  /// Fills `bytes` with the tensor's elements from byte `offset` on.
  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let item = try item(at: index)
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    do throws(CairnError) {
      try contents[item.content].elements.read(from: offset, into: &bytes)
    } catch {
      throw error.located(name: item.name.string)
    }
  }

  /// The source of a tensor that was at most renamed.
  public func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    contents[try item(at: index).content].origin
  }

  /// The base's, with the metadata and what is not read as they are now.
  public var attachments: Attachments {
    var attachments = base.attachments
    attachments.metadata = metadata
    attachments.opaqueItems = opaqueItems
    return attachments
  }

  /// As much as of all sources together, and more where casts make tensors larger.
  public var plausibleByteCount: Int {
    budgets.reduce(0) { $0.addingSaturated($1.multipliedSaturated(by: castGrowth)) }
  }
}
