// The edits.

public import CairnCheckpoints
import CairnForeign
public import CairnSystem
public import CairnTensors

extension EditedTensors {
  private mutating func log(_ text: String, isConsequence: Bool = false, isLossy: Bool = false) {
    changes.append(Change(description: text, isConsequence: isConsequence, isLossy: isLossy))
  }

  /// Logs the other names that were changed too, because they are the same tensor.
  private mutating func logTies(_ numbers: some Sequence<Int>, named places: Set<Int>) {
    let numbers = Set(numbers)
    for (place, item) in items.enumerated()
    where numbers.contains(item.content) && !places.contains(place) {
      log("the same for ‘\(item.name)’, which is the same tensor", isConsequence: true)
    }
  }

  /// The places of the names that each pattern matches.
  ///
  /// - Throws: `noSuchTensor` for a pattern that matches none.
  private func places(_ patterns: [NamePattern]) throws(CairnError) -> [Set<Int>] {
    var found: [Set<Int>] = []
    for pattern in patterns {
      let matches = try pattern.predicate()
      let places = Set(items.indices.filter { matches(items[$0].name) })
      guard !places.isEmpty else { throw pattern.matchesNothing }
      found.append(places)
    }
    return found
  }

  private mutating func keep(_ isKept: (Int) -> Bool) throws(CairnError) {
    var kept: [Item] = []
    for (place, item) in items.enumerated() {
      if isKept(place) { kept.append(item) } else { log("delete ‘\(item.name)’") }
    }
    items = kept
    try settle()
  }

  /// Keeps the tensors whose names match one of `including` (all, if it is empty) and none of
  /// `excluding`. What is not read is judged by its path in the same way.
  ///
  /// - Throws: `noSuchTensor` for a pattern that matches none.
  public mutating func select(
    including: [NamePattern] = [], excluding: [NamePattern] = []
  ) throws(CairnError) {
    guard !including.isEmpty || !excluding.isEmpty else { return }
    let paths = opaqueItems.map(\.pathText)
    let included = try Chosen(including, items.map(\.name), paths)
    let excluded = try Chosen(excluding, items.map(\.name), paths)
    try keep { place in
      (including.isEmpty || included.tensors.contains(place)) && !excluded.tensors.contains(place)
    }
    opaqueItems = opaqueItems.indices.filter { place in
      (including.isEmpty || included.opaque.contains(place)) && !excluded.opaque.contains(place)
    }.map { opaqueItems[$0] }
  }

  /// Leaves out the metadata whose keys one of the patterns matches.
  ///
  /// - Throws: `noSuchTensor` for a pattern that matches none.
  public mutating func leaveOutMetadata(_ patterns: [NamePattern]) throws(CairnError) {
    var chosen = Set<TensorName>()
    for pattern in patterns {
      let matches = try pattern.predicate()
      let keys = metadata.keys.filter { matches($0) }
      guard !keys.isEmpty else { throw pattern.matchesNothing(of: "key of the metadata") }
      chosen.formUnion(keys)
    }
    for key in metadata.keys where chosen.contains(key) {
      removeMetadata(key)
      log("leave out the metadata ‘\(key)’")
    }
  }

  /// What some patterns match: places among tensors and among what is not read.
  private struct Chosen {
    var tensors = Set<Int>()
    var opaque = Set<Int>()

    init(
      _ patterns: [NamePattern], _ names: [TensorName], _ paths: [String]
    ) throws(CairnError) {
      for pattern in patterns {
        let find = try pattern.finder()
        let tensors = names.indices.filter { !find(names[$0].string).isEmpty }
        let opaque = paths.indices.filter { !find(paths[$0]).isEmpty }
        guard !tensors.isEmpty || !opaque.isEmpty else { throw pattern.matchesNothing }
        self.tensors.formUnion(tensors)
        self.opaque.formUnion(opaque)
      }
    }
  }

  /// Renames tensors, one rule after the other; each rule sees the names that the one before has
  /// made.
  ///
  /// - Throws: `noSuchTensor` for a rule that matches no name; `duplicateName` where two become one;
  ///   `invalidName` for a new name that is none; `invalidArgument` for a capture that is not there.
  public mutating func rename(_ rules: [RenamingRule]) throws(CairnError) {
    for rule in rules {
      let renamer = try rule.renamer()
      var matched = false
      for place in items.indices {
        let old = items[place].name
        guard let new = try renamer(old.string) else { continue }
        matched = true
        do throws(CairnError) { items[place].name = try TensorName(new) } catch {
          throw error.located(name: old.string)
        }
        if old != items[place].name {
          changes.append(Change(renamed: old, to: items[place].name))
        }
      }
      guard matched else { throw rule.pattern.matchesNothing }
      try settle()
    }
  }

  /// Converts elements, as `Tensor.cast(to:)` does. If several rules concern a tensor, the last one
  /// counts; a rule concerns a tied tensor if it concerns one of its names.
  ///
  /// - Throws: `cannotHold` for a conversion that does not keep every number, unless `losses` has
  ///   ``AcceptedLosses/precision``; `noConversion`; `noSuchTensor` for a pattern that matches none.
  public mutating func cast(
    _ rules: [CastRule], accepting losses: AcceptedLosses = []
  ) throws(CairnError) {
    var targets: [Int: (dtype: DType, name: TensorName)] = [:]
    var named = Set<Int>()
    for rule in rules {
      var concerned = Set<Int>()
      if let pattern = rule.pattern {
        concerned = try places([pattern])[0]
      } else {
        concerned = Set(
          items.indices.filter { rule.concerns(contents[items[$0].content].dtype) })
      }
      named.formUnion(concerned)
      for place in concerned.sorted() {
        targets[items[place].content] = (rule.dtype, items[place].name)
      }
    }
    for number in targets.keys.sorted() {
      guard let (target, name) = targets[number], contents[number].dtype != target else { continue }
      let source = contents[number].dtype
      let isExact = CastPrecision.isExact(from: source, to: target)
      do throws(CairnError) {
        let elements = try CastElements(
          contents[number].elements, source, to: target,
          elementCount: contents[number].shape.elementCount)
        guard isExact || losses.contains(.precision) else {
          throw CairnError(
            .cannotHold,
            "not every \(source) is a \(target); they would be "
              + CastPrecision.effect(from: source, to: target),
            advice: "Accept the loss of \(AcceptedLosses.precision)", remedies: [.acceptLoss])
        }
        // At most 64 bits from one of four, twice for complex numbers.
        castGrowth = 32
        contents[number].dtype = target
        contents[number].elements = elements
        contents[number].origin = nil
      } catch {
        throw error.located(name: name.string)
      }
      log(
        "cast ‘\(name)’ from \(source) to \(target)"
          + (isExact ? "" : ", \(CastPrecision.effect(from: source, to: target))"),
        isLossy: !isExact)
    }
    logTies(targets.keys, named: named)
  }

  /// Puts dimensions into another order. The whole of a tensor is held in memory while it is read.
  ///
  /// - Throws: `shapeMismatch` where a rule names another number of dimensions; `unsupported` for
  ///   elements that do not take whole bytes each; `noSuchTensor` for a rule that matches none.
  public mutating func transpose(_ rules: [TransposingRule]) throws(CairnError) {
    for rule in rules {
      var done = Set<Int>()
      let named = try places([rule.pattern])[0]
      for place in named.sorted() {
        let (name, number) = (items[place].name, items[place].content)
        guard done.insert(number).inserted else { continue }
        do throws(CairnError) {
          let axes = try rule.axes(rank: contents[number].shape.rank)
          contents[number] = try transposed(contents[number], axes, key: number)
          log("transpose ‘\(name)’ to \(contents[number].shape)")
        } catch {
          throw error.located(name: name.string)
        }
      }
      logTies(done, named: named)
    }
  }

  private mutating func transposed(
    _ content: Content, _ axes: [Int], key: Int
  ) throws(CairnError) -> Content {
    let granule = content.dtype.granule
    guard granule.elements == 1, content.dtype != .string else {
      throw CairnError(
        .unsupported, "elements that do not take whole bytes each are not transposed",
        found: "\(content.dtype)", advice: "Cast or dequantise the tensor first")
    }
    let old = content.shape.dimensions
    guard let strides = StridedElements.rowMajor(old) else {
      throw CairnError(.invalidShape, "the tensor's elements cannot be counted")
    }
    let dimensions = axes.map { old[$0] }
    if viewed.count == content.transpositions { viewed.append(ViewedBytes()) }
    let elements = try StridedElements(
      content.elements, width: granule.bytes, dimensions: dimensions,
      strides: axes.map { strides[$0] }, viewed: viewed[content.transpositions], key: key)
    return Content(
      dtype: content.dtype, shape: try Shape(dimensions), elements: elements,
      transpositions: content.transpositions + 1)
  }

  /// Adds all tensors of another source at the end, each name behind `prefix`. Its ties stay; its metadata,
  /// configuration and blobs are not taken, and ``changes`` says so.
  ///
  /// - Parameter label: What ``changes`` calls the other source.
  /// - Throws: `duplicateName` for a name that is there already.
  public mutating func merge(
    _ other: any TensorSource, prefix: String = "", called label: String = "the other"
  ) throws(CairnError) {
    let first = items.count
    try append(other) { (name) throws(CairnError) in try TensorName(prefix + name.string) }
    for item in items[first...] { log("add ‘\(item.name)’ from \(label)") }
    try settle()
    try logWhatIsNotTaken(of: other, label)
  }

  private mutating func logWhatIsNotTaken(
    of other: any TensorSource, _ label: String
  ) throws(CairnError) {
    var left: [String] = []
    if !other.metadata.isEmpty, other.metadata != base.metadata { left.append("metadata") }
    if other.configuration != nil, other.configuration != base.configuration {
      left.append("configuration")
    }
    if try !other.blobs.isEmpty, try other.blobs != base.blobs { left.append("blobs") }
    guard !left.isEmpty else { return }
    log("leave \(left.joined(separator: ", ")) of \(label)", isConsequence: true)
  }

  /// Adds one tensor of another source at the end.
  ///
  /// - Parameters:
  ///   - name: The tensor in the other source; nil if that has only one.
  ///   - newName: What it is to be called.
  ///   - label: What ``changes`` and errors call the other source.
  /// - Throws: `noSuchTensor`; `duplicateName`; `invalidArgument` if there are several to choose from.
  public mutating func add(
    _ name: TensorName?, of other: any TensorSource, as newName: TensorName,
    called label: String = "the other"
  ) throws(CairnError) {
    let index: Int
    if let name {
      guard let found = try other.index(of: name) else { throw other.noSuchTensor(name) }
      index = found
    } else {
      guard other.count == 1 else {
        throw CairnError(
          .invalidArgument, "of several tensors none is named", at: .init(file: label),
          expected: "FILE::TENSOR", found: "\(other.count) tensors")
      }
      index = 0
    }
    items.append(Item(name: newName, content: contents.count, isAlias: false))
    budgets.append(other.plausibleByteCount)
    contents.append(content(other, index, try other.entry(at: index)))
    log("add ‘\(newName)’ from \(label)")
    try settle()
  }

  /// Replaces tensors by those of the same name of another source: those whose names `pattern` matches
  /// there, or all names that both have.
  ///
  /// - Parameter label: What ``changes`` and errors call the other source.
  /// - Throws: `noSuchTensor` if there are none, or a name that the pattern matches is not here;
  ///   `dtypeMismatch`, `shapeMismatch` where the two are not alike; `invalidArgument` if two names of
  ///   one tensor would be replaced by different ones.
  public mutating func transplant(
    _ pattern: NamePattern? = nil, of other: any TensorSource, called label: String = "the other"
  ) throws(CairnError) {
    let matches = try pattern?.predicate() ?? { _ in true }
    var replaced: [Int: Int] = [:]
    var named = Set<Int>()
    for index in try other.indicesInWeightOrder() {
      let entry = try other.entry(at: index)
      guard matches(entry.name) else { continue }
      guard let place = places[entry.name] else {
        guard pattern == nil else { throw noSuchTensor(entry.name) }
        continue
      }
      let number = items[place].content
      let from = try other.ownerIndex(of: entry, at: index)
      guard replaced.updateValue(from, forKey: number) ?? from == from else {
        throw CairnError(
          .invalidArgument, "two names of one tensor would be given different ones",
          at: .init(name: entry.name.string), advice: "Name one of them only")
      }
      try checkAlike(entry, contents[number])
      named.insert(place)
      log("transplant ‘\(entry.name)’ from \(label)")
    }
    guard !replaced.isEmpty else {
      if let pattern { throw pattern.matchesNothing }
      throw CairnError(
        .noSuchTensor, "the two have no name in common", at: .init(file: label),
        advice: "Rename the tensors of one of them first")
    }
    budgets.append(other.plausibleByteCount)
    for number in replaced.keys.sorted() {
      guard let index = replaced[number] else { continue }
      contents[number] = content(other, index, try other.entry(at: index))
    }
    logTies(replaced.keys, named: named)
    try settle()
  }

  private func checkAlike(_ entry: TensorEntry, _ content: Content) throws(CairnError) {
    guard entry.dtype == content.dtype else {
      throw CairnError(
        .dtypeMismatch, "the tensor to be transplanted has another element type",
        at: .init(name: entry.name.string), expected: "\(content.dtype)", found: "\(entry.dtype)")
    }
    guard entry.shape == content.shape else {
      throw CairnError(
        .shapeMismatch, "the tensor to be transplanted has another shape",
        at: .init(name: entry.name.string), expected: "\(content.shape)", found: "\(entry.shape)")
    }
  }
}
