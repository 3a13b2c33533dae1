// A restricted reader of pickles (Lib/pickletools.py of Python), protocols 0 to 5. It builds
// containers, numbers and texts, and what its format makes of the names that it knows. It imports
// nothing and calls nothing: what could only be made by a call becomes an opaque object with the
// name of its class. The opcodes are in `Unpickler+Opcodes.swift`.

package import CairnSystem

/// The machine that runs a pickle, which is a program.
struct Unpickler<Format: PickleFormat> {
  var reader: ByteCursor
  var content: PickleContent<Format>
  private(set) var stack: [PickleValue] = []
  /// The height of the stack at each mark.
  private var marks: [Int] = []
  /// Remembered values, by numbers from 0; `distant` has those whose numbers leave a gap.
  private var memo: [PickleValue] = []
  private var distant: [Int: PickleValue] = [:]
  private(set) var memoized = 0
  private var chargedStack = 0
  private var chargedMarks = 0
  private var steps = 0

  /// Reads one pickle and leaves `reader` behind it. What it builds is added to `content`.
  ///
  /// - Returns: The object that was pickled.
  /// - Throws: `truncated`, `invalidPickle`, `overBudget`; `unsupported` for references to data
  ///   that is not there.
  static func run(
    _ reader: inout ByteCursor, in content: inout PickleContent<Format>
  ) throws(CairnError) -> PickleValue {
    let budget = content.budget
    // Taken out of `content` for this time, so that its arrays are changed in place.
    var taken = PickleContent<Format>(budget)
    swap(&taken, &content)
    var machine = Unpickler(reader, taken)
    taken = PickleContent<Format>(budget)
    while try machine.step() {
      machine.steps += 1
      if machine.steps & 0xFFF == 0 { try budget.take(steps: 0x1000) }
    }
    reader = machine.reader
    let root = machine.content.root
    swap(&machine.content, &content)
    return root
  }

  private init(_ reader: ByteCursor, _ content: PickleContent<Format>) {
    self.reader = reader
    self.content = content
  }

  func failure(_ message: String, found: String? = nil) -> CairnError {
    reader.failure(.invalidPickle, message, found: found, advice: Format.damageAdvice)
  }

  // MARK: - Stack

  mutating func push(_ value: PickleValue) throws(CairnError) {
    if stack.count == chargedStack {
      // Twice the size: an array that grows is moved.
      try content.budget.take(1_024, of: 2 * MemoryLayout<PickleValue>.stride)
      chargedStack += 1_024
    }
    stack.append(value)
  }

  mutating func pop() throws(CairnError) -> PickleValue {
    guard let value = stack.popLast(), stack.count >= marks.last ?? 0 else {
      throw failure("the pickle takes more from its stack than is there")
    }
    return value
  }

  /// Removes the last value, or the last mark if there is no value above it.
  mutating func drop() throws(CairnError) {
    if let mark = marks.last, stack.count == mark {
      marks.removeLast()
    } else {
      _ = try pop()
    }
  }

  /// The last value, which stays.
  func top() throws(CairnError) -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else {
      throw failure("the pickle fills what is not there")
    }
    return value
  }

  mutating func replaceTop(_ value: PickleValue) throws(CairnError) {
    _ = try pop()
    stack.append(value)
  }

  mutating func mark() throws(CairnError) {
    if marks.count == chargedMarks {
      try content.budget.take(bytes: 1_024 * 8)
      chargedMarks += 1_024
    }
    marks.append(stack.count)
  }

  mutating func popToMark() throws(CairnError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("the pickle has no mark to go back to") }
    guard mark <= stack.count else {
      throw failure("the pickle takes more from its stack than is there")
    }
    let count = stack.count - mark
    // The values are held twice while they are moved.
    let bytes = count * MemoryLayout<PickleValue>.stride
    try content.budget.take(bytes: bytes)
    // One by one: `Array` of the whole stack would take the stack's own block, with all of its room.
    var values: [PickleValue] = []
    values.reserveCapacity(count)
    for place in mark..<stack.count { values.append(stack[place]) }
    stack.removeLast(count)
    content.budget.giveBack(bytes: bytes)
    return values
  }

  // MARK: - Memo

  mutating func memoize(at place: Int) throws(CairnError) {
    let value = try top()
    memoized += 1
    if place < memo.count {
      memo[place] = value
    } else if place == memo.count {
      try content.budget.take(bytes: 3 * MemoryLayout<PickleValue>.stride / 2)
      memo.append(value)
    } else {
      if distant[place] == nil { try content.budget.take(bytes: 64) }
      distant[place] = value
    }
  }

  mutating func recall(_ place: Int) throws(CairnError) {
    guard let value = distant[place] ?? (memo.indices.contains(place) ? memo[place] : nil) else {
      throw failure("the pickle recalls what it has not remembered", found: "\(place)")
    }
    try push(value)
  }

  // MARK: - Filling

  /// Adds items to the list, set or object on the stack.
  mutating func extend(_ items: [PickleValue]) throws(CairnError) {
    switch try top() {
    case .list(let node), .set(let node): try content.append(items, to: node)
    case .opaque(let object):
      if let node = content.objects[object].items {
        try content.append(items, to: node)
      } else {
        content.objects[object].items = try content.node(items)
      }
    default: throw failure("the pickle appends to what is no list")
    }
  }

  /// Sets keys and values of the dictionary or object on the stack.
  mutating func set(_ items: [PickleValue]) throws(CairnError) {
    guard items.count.isMultiple(of: 2) else { throw failure("the pickle sets a key to nothing") }
    switch try top() {
    case .dict(let node): try content.append(items, to: node)
    case .opaque(let object):
      if let node = content.objects[object].entries {
        try content.append(items, to: node)
      } else {
        content.objects[object].entries = try content.node(items)
      }
    default: throw failure("the pickle sets items of what is no dictionary")
    }
  }

  // MARK: - Names and what would be called

  mutating func global(_ module: [UInt8], _ name: [UInt8]) throws(CairnError) {
    // Long names may be used from the memo many times.
    try content.budget.take(steps: (module.count + name.count) / 4)
    let full = PickleNames.full(
      module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self),
      renaming: Format.renamedModules)
    try push(.global(try content.name(full)))
  }

  /// Pushes what stands for the result of a call. Nothing is called.
  mutating func call(_ function: PickleValue, _ arguments: PickleValue) throws(CairnError) {
    let name: Int
    switch function {
    case .global(let number): name = number
    case .opaque(let object): name = try content.name(calling: object)
    default: throw failure("the pickle calls what is no name of a function")
    }
    guard let items = content.items(arguments) else {
      throw failure("the pickle calls a function without a list of arguments")
    }
    let made =
      if case .global = function {
        try PickleCalls.value(of: content.names[name], items, in: &content)
      } else {
        nil as PickleValue?
      }
    if let made { return try push(made) }
    try push(try content.opaque(name, arguments))
  }

  /// Sets the state of the object on the stack.
  mutating func build(_ state: PickleValue) throws(CairnError) {
    try content.budget.take(bytes: 48)
    let object = try top()
    if try Format.build(object, state, in: &content) { return }
    switch object {
    case .opaque(let object): content.objects[object].states.append(state)
    case .list(let node), .tuple(let node), .set(let node), .dict(let node):
      content.attributes[node, default: []].append(state)
    default: throw failure("the pickle sets the state of what is no object")
    }
  }
}

extension PickleContent {
  /// The name for the result of calling an opaque object.
  mutating func name(calling object: Int) throws(CairnError) -> Int {
    let called = names[objects[object].name]
    // Otherwise calls of calls of calls would make a name as long as the pickle.
    return try name(called.utf8.count > 256 ? "(a call)" : called + "()")
  }
}

extension CairnError.Code {
  /// A pickle that breaks the rules of pickles.
  package static let invalidPickle = Self("invalidPickle")
}
