// Nested dictionaries, lists and objects as tensors and key-values with paths: `model.layer.weight`.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// The leaves of what a pickle has built, each with its path.
///
/// The path of an element is the path of its container, a dot, and the element's key or its number
/// from 0. The path of the root is empty; a root that is itself a tensor is called `tensor`.
/// Attributes of a dictionary (`_metadata` of state dictionaries), of a tensor and of an object
/// have the paths that items would have. What is in the `_parameters`, `_buffers` and `_modules` of
/// a module has the path that its `state_dict()` would give it.
///
/// There is no recursion: open containers are in a list, which may become as deep as needed.
struct PickleFlattening {
  private(set) var tensors: [(name: TensorName, tensor: TorchTensor)] = []
  private(set) var metadata: [(key: TensorName, value: MetadataValue)] = []
  /// Objects that were not made, and containers that were not listed again.
  private(set) var unkept: [OpaqueItem] = []
  /// Remarks on what is listed under a path other than its own, or as parts.
  private(set) var notes = RemarkList()
  private let content: TorchContent
  private var tensorNames = PickleNameTable()
  private var metadataNames = PickleNameTable()
  private var frames: [Frame] = []
  private var group = Group()
  /// The containers that are open.
  private var open: Set<Identity> = []
  private var seen: Set<Identity> = []
  /// How many values of containers in several places may still be listed again.
  private var repetitions: Int
  /// Containers that were kept as one text.
  private var texts: Set<Int> = []
  /// Tells which containers are large and plain.
  private var plain: PlainContainers

  /// The most levels of containers within containers.
  static let maximumDepth = 256
  static let maximumRepetitions = 1 << 15

  /// What may be open.
  private enum Identity: Hashable {
    case node(Int)
    case object(Int)
    case tensor(Int)
  }

  /// Some of what a container holds.
  private enum Part {
    case list(Int)
    case dictionary(Int, isModule: Bool)
    case value(StaticString, PickleValue)
  }

  /// A container that is open.
  private struct Frame {
    var path: [UInt8]
    var identity: Identity
    var parts: [Part]
    var part = 0
    var place = 0
    /// For a dictionary that has a key twice: the places of the items that count.
    var places: [Int]?
    /// A key that is not text, which is listed too.
    var key: (path: [UInt8], value: PickleValue)?
  }

  init(
    _ content: TorchContent, roots: [(path: StaticString?, value: PickleValue)],
    fileByteCount: Int
  ) throws(CairnError) {
    self.content = content
    repetitions = Self.maximumRepetitions + fileByteCount / 64
    plain = try PlainContainers(content, fileByteCount: fileByteCount)
    for (path, root) in roots {
      if path != nil, content.items(root)?.isEmpty == true { continue }
      try visit(root, path: path.map { Array("\($0)".utf8) } ?? [])
      while !frames.isEmpty { try step() }
    }
    closeGroup()
  }

  // MARK: - Containers

  /// Goes on with the container that was opened last.
  private mutating func step() throws(CairnError) {
    try content.budget.take(steps: 1)
    let last = frames.count - 1
    if let key = frames[last].key {
      frames[last].key = nil
      return try visit(key.value, path: key.path)
    }
    guard frames[last].part < frames[last].parts.count else {
      open.remove(frames[last].identity)
      frames.removeLast()
      return
    }
    let place = frames[last].place
    frames[last].place += 1
    switch frames[last].parts[frames[last].part] {
    case .value(let word, let value):
      next(last)
      try visit(value, path: Self.join(frames[last].path, "\(word)".utf8))
    case .list(let node):
      guard place < content.nodes[node].count else { return next(last) }
      try visit(content.nodes[node][place], path: Self.join(frames[last].path, "\(place)".utf8))
    case .dictionary(let node, let isModule):
      try step(dictionary: node, isModule, place, last)
    }
  }

  private mutating func next(_ frame: Int) {
    frames[frame].part += 1
    frames[frame].place = 0
    frames[frame].places = nil
  }

  private mutating func step(
    dictionary node: Int, _ isModule: Bool, _ place: Int, _ last: Int
  ) throws(CairnError) {
    let items = content.nodes[node]
    if place == 0 { frames[last].places = try content.lastPlaces(items) }
    let at: Int
    if let places = frames[last].places {
      guard place < places.count else { return next(last) }
      at = places[place]
    } else {
      at = 2 * place
      guard at + 1 < items.count else { return next(last) }
    }
    let path = frames[last].path
    if let spelt = content.spelling(items[at])?.text {
      if isModule, Self.transparent.contains(where: { $0.utf8.elementsEqual(spelt) }) {
        // An empty dictionary would otherwise be listed at the module's own path.
        let value = items[at + 1]
        if let held = value.node, content.nodes[held].isEmpty, content.attributes[held] == nil {
          return
        }
        return try visit(value, path: path)
      }
      return try visit(items[at + 1], path: Self.join(path, spelt))
    }
    // A key without a spelling is listed beside its value, under the number of the pair.
    let own = Self.join(path, "{\(at / 2)}".utf8)
    frames[last].key = (Self.join(own, "key".utf8), items[at])
    try visit(items[at + 1], path: own)
  }

  private static let transparent = ["_parameters", "_buffers", "_modules"]

  // MARK: - Values

  private mutating func visit(_ value: PickleValue, path: [UInt8]) throws(CairnError) {
    if let node = value.node, isWornOut(node) { return try leaveOut("container", again, path) }
    switch value {
    case .made(let number):
      try keep(content.tensors[number], path)
      if let states = content.format.attributes[number] {
        try enter(.tensor(number), path, states.flatMap { parts(ofState: $0) })
      }
    case .reference(let number):
      let storage = content.storages[number]
      guard TorchDType.dtype(ofStorage: storage.type) != nil else {
        return try leaveOut(storage.type, "its elements are of an unknown type", path)
      }
      let whole = TorchTensor(
        storage: number, offset: 0, dimensions: [storage.elementCount], strides: [1])
      try keep(whole, path)
    case .opaque(let number): try visit(object: number, path)
    case .list(let node), .tuple(let node), .set(let node):
      let states = content.attributes[node] ?? []
      if states.isEmpty, !open.contains(.node(node)) {
        // The check below goes through all items, so it counts as listing them.
        guard try admits(.node(node), []) else { return try leaveOut("container", again, path) }
        if let array = try content.array(content.nodes[node]) { return try keep(array, path) }
        if try keepsAsText(value, path) { return }
        return try enter(.node(node), path, [.list(node)], isAdmitted: true)
      }
      try enter(.node(node), path, [.list(node)] + states.flatMap { parts(ofState: $0) })
    case .dict(let node):
      if try keepsAsText(value, path) { return }
      try visit(dictionary: node, path)
    default:
      if let value = content.metadataValue(value) { try keep(value, path) }
    }
  }

  /// Whether it is known at once that a container may not be listed once more: a file may name one
  /// many thousand times.
  private func isWornOut(_ node: Int) -> Bool {
    repetitions <= 0 && frames.count < Self.maximumDepth && content.forms[node] == nil
      && seen.contains(.node(node)) && !open.contains(.node(node))
  }

  /// Keeps a large container of only numbers and texts as one text, and notes that.
  ///
  /// - Returns: Whether the container is such a one.
  private mutating func keepsAsText(
    _ value: PickleValue, _ path: [UInt8]
  ) throws(CairnError) -> Bool {
    guard let node = value.node, !open.contains(.node(node)) else { return false }
    // Once nothing more may be listed again, the container isn't walked again either.
    if repetitions <= 0, texts.contains(node) {
      try leaveOut("container", again, path)
      return true
    }
    guard try plain.isOneText(value, in: content) else { return false }
    if texts.insert(node).inserted {
      try content.budget.take(bytes: 40)
      seen.insert(.node(node))
    } else {
      // The second time it counts as many values as it holds.
      repetitions = repetitions.subtracting(plain.valueCount(node)) ?? 0
      guard repetitions > 0 else {
        try leaveOut("container", again, path)
        return true
      }
    }
    let text: String
    do throws(CairnError) {
      guard let whole = try plain.text(of: value, in: content) else {
        seen.remove(.node(node))
        return false
      }
      text = whole
    } catch {
      guard error.code == .limitExceeded else { throw error }
      try leaveOut("container", error.message, path)
      return true
    }
    notes.add("‘\(Self.shown(path))’ is a large container, kept as one JSON text")
    try keep(.string(text), path)
    return true
  }

  private mutating func visit(dictionary node: Int, _ path: [UInt8]) throws(CairnError) {
    let states = content.attributes[node] ?? []
    if let form = content.forms[node] {
      if form == NumPyObjects.dtypeForm, content.nodes[node].count == 2 {
        return try visit(content.nodes[node][1], path: path)
      }
      notes.add("‘\(Self.shown(path))’ is a \(form), listed as its parts")
    }
    if content.nodes[node].isEmpty, states.isEmpty {
      if !frames.isEmpty { try keep(.strings([]), path) }
      return
    }
    try enter(
      .node(node), path,
      [.dictionary(node, isModule: false)] + states.flatMap { parts(ofState: $0) })
  }

  private mutating func visit(object number: Int, _ path: [UInt8]) throws(CairnError) {
    let object = content.objects[number]
    if let value = object.resolved { return try visit(value, path: path) }
    let name = content.names[object.name]
    guard !open.contains(.object(number)) else { return try leaveOut(name, cycle, path) }
    try keep(.string("<\(name)>"), path)
    try leaveOut(name, "nothing is called to make it; its plain state is listed", path)
    var parts: [Part] = []
    if let arguments = object.arguments.node, !content.nodes[arguments].isEmpty {
      parts.append(.value("args", object.arguments))
    }
    if let items = object.items { parts.append(.list(items)) }
    if let entries = object.entries { parts.append(.dictionary(entries, isModule: false)) }
    parts += object.states.flatMap { self.parts(ofState: $0) }
    try enter(.object(number), path, parts)
  }

  private var cycle: String { "it holds itself" }
  private var again: String { "it is listed in another place already" }

  /// The parts of a state: the items of a dictionary as attributes; of a pair, the items of both
  /// (the second holds the slots); any other state as it is.
  private func parts(ofState state: PickleValue) -> [Part] {
    switch state {
    case .none: return []
    case .dict(let node): return [.dictionary(node, isModule: isModule(node))]
    case .tuple(let node):
      let pair = content.nodes[node]
      guard pair.count == 2 else { break }
      var parts: [Part] = []
      for item in pair {
        if case .dict(let node) = item {
          parts.append(.dictionary(node, isModule: isModule(node)))
        } else if item != .none {
          return [.value("state", state)]
        }
      }
      return parts
    default: break
    }
    return [.value("state", state)]
  }

  /// Whether a state is that of a PyTorch module.
  private func isModule(_ node: Int) -> Bool {
    var found = 0
    let items = content.nodes[node]
    for at in stride(from: 0, to: min(items.count - 1, 128), by: 2)
    where content.isText(items[at], "_parameters") || content.isText(items[at], "_modules") {
      found += 1
    }
    return found == 2
  }

  /// Opens a container, unless it is open, too deep, or was listed in too many places.
  private mutating func enter(
    _ identity: Identity, _ path: [UInt8], _ parts: [Part], isAdmitted: Bool = false
  ) throws(CairnError) {
    guard !parts.isEmpty else { return }
    guard !open.contains(identity) else { return try leaveOut("container", cycle, path) }
    guard frames.count < Self.maximumDepth else {
      return try leaveOut(
        "container", "it is nested deeper than \(Self.maximumDepth) levels", path)
    }
    // Not `||`: its right side may throw any error.
    if !isAdmitted {
      guard try admits(identity, parts) else { return try leaveOut("container", again, path) }
    }
    open.insert(identity)
    frames.append(Frame(path: path, identity: identity, parts: parts))
  }

  /// Whether a container may be listed: the first time always, again only while `repetitions` are
  /// left. The nodes that hold its items count separately, since many objects may have one state.
  private mutating func admits(_ identity: Identity, _ parts: [Part]) throws(CairnError) -> Bool {
    var nodes: [Int] = []
    for part in parts {
      switch part {
      case .list(let node), .dictionary(let node, _):
        if identity != .node(node) { nodes.append(node) }
      case .value: break
      }
    }
    var isRepeated = false
    for identity in [identity] + nodes.map({ Identity.node($0) }) {
      guard !seen.insert(identity).inserted else {
        try content.budget.take(bytes: 40)
        continue
      }
      isRepeated = true
      repetitions -= 1
      if case .node(let node) = identity { repetitions -= content.nodes[node].count }
    }
    return !isRepeated || repetitions > 0
  }

  // MARK: - Keeping

  private mutating func keep(_ tensor: TorchTensor, _ path: [UInt8]) throws(CairnError) {
    let (name, isOwn) = try tensorNames.name(path, or: "tensor", content.budget)
    if !isOwn { notes.add(Self.renamed("tensor", path, name)) }
    try content.budget.take(bytes: 240)
    tensors.append((name, tensor))
  }

  private mutating func keep(_ value: MetadataValue, _ path: [UInt8]) throws(CairnError) {
    let (name, isOwn) = try metadataNames.name(path, or: "value", content.budget)
    if !isOwn { notes.add(Self.renamed("value", path, name)) }
    try content.budget.take(bytes: 96 + value.heldByteCount)
    metadata.append((name, value))
  }

  private mutating func leaveOut(
    _ type: String, _ reason: String, _ path: [UInt8]
  ) throws(CairnError) {
    // If thousands of items of one container have the same reason, they become one item.
    let ancestor = frames.count > 1 ? frames[1].identity : frames.first?.identity
    if ancestor != group.identity {
      closeGroup()
      group = Group(identity: ancestor, path: frames.count > 1 ? frames[1].path : [])
    }
    group.count += 1
    guard group.count <= Self.largestGroup else { return }
    let type = type.unicodeScalars.count > 128 ? type.excerpt(128) : type
    try content.budget.take(bytes: 200 + min(path.count, 1_024) + type.utf8.count)
    let item = OpaqueItem(
      path: Array(try PickleNameTable.legal(path, or: "value").utf8), type: type, reason: reason)
    unkept.append(item)
  }

  /// What is left out of one container directly in the root.
  private struct Group {
    var identity: Identity?
    var path: [UInt8] = []
    var count = 0
  }

  /// The most items of such a container that are listed one by one.
  private static let largestGroup = 512

  /// Adds one item for all those beyond that number.
  private mutating func closeGroup() {
    let more = group.count - Self.largestGroup
    guard more > 0, let path = try? PickleNameTable.legal(group.path, or: "value").utf8 else {
      return
    }
    unkept.append(
      OpaqueItem(
        path: path, type: "container", reason: "\(more) more of what it holds are not read"))
  }

  private static func renamed(_ kind: String, _ path: [UInt8], _ name: TensorName) -> String {
    "‘\(name)’ is the \(kind) whose path is \(String(decoding: path, as: UTF8.self).excerpt(60)): "
      + "the path is taken, or cannot be a name"
  }

  private static func shown(_ path: [UInt8]) -> String {
    String(decoding: path.isEmpty ? Array("value".utf8) : path, as: UTF8.self)
  }

  /// The path of an element. It is cut where it would be too long for any name.
  private static func join(_ path: [UInt8], _ key: some Collection<UInt8>) -> [UInt8] {
    var joined = path
    if !path.isEmpty { joined.append(UInt8(ascii: ".")) }
    joined += key
    return PickleNameTable.shortened(joined)
  }
}
