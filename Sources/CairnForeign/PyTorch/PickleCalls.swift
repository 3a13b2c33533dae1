// What stands in for the functions that a checkpoint's pickle names: a fixed list of constructors of
// plain values, written here. Nothing is ever looked up or called by a name from the file; a name that
// is not here makes an opaque object.

import CairnSystem

/// The names of which something is made.
enum PickleCalls {
  /// What a "call" of a name with `arguments` gives.
  ///
  /// - Returns: nil for a name that is not in the list, or arguments that it does not take.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> PickleValue? {
    switch function {
    case "collections.OrderedDict", "collections.Counter", "builtins.dict":
      return try dictionary(arguments, in: &content)
    case "collections.defaultdict":
      guard let dict = try dictionary(Array(arguments.dropFirst()), in: &content) else {
        return nil
      }
      if let factory = arguments.first, factory != .none, let node = dict.node {
        let key = try content.keep(Array("default_factory".utf8))
        content.attributes[node] = [.dict(try content.node([.text(key), factory]))]
      }
      return dict
    case "builtins.set", "builtins.frozenset":
      return try sequence(arguments, in: &content).map { .set($0) }
    case "builtins.list": return try sequence(arguments, in: &content).map { .list($0) }
    case "builtins.tuple", "torch.Size":
      return try sequence(arguments, in: &content).map { .tuple($0) }
    case "builtins.bytes", "builtins.bytearray": return try bytes(arguments, in: &content)
    case "_codecs.encode":
      guard arguments.count == 2, case .text = arguments[0] else { return nil }
      return try bytes(arguments, in: &content)
    case "builtins.complex":
      guard arguments.count == 2, let real = double(arguments[0]),
        let imaginary = double(arguments[1])
      else { return nil }
      return try content.complex(real, imaginary)
    case "torch.device": return try device(arguments, in: &content)
    case "torch.serialization._get_layout":
      guard arguments.count == 1, let layout = content.text(arguments[0]) else { return nil }
      return .global(try content.name(layout))
    // Lists of TorchScript, which says their types beside them.
    case "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
      "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist":
      guard arguments.count == 1, content.items(arguments[0]) != nil else { return nil }
      return arguments[0]
    case "torch.jit._pickle.restore_type_tag": return arguments.first
    case "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__":
      return try object(function, arguments, in: &content)
    default:
      if let value = try NumPyObjects.value(of: function, arguments, in: &content) { return value }
      return try tensor(of: function, arguments, in: &content)
    }
  }

  /// A dictionary: empty, of pairs (as Python 2 gives them), or with the items of another.
  private static func dictionary(
    _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> PickleValue? {
    guard arguments.count <= 1 else { return nil }
    switch arguments.first {
    case nil: return .dict(try content.node([]))
    case .dict(let node)?: return .dict(try content.copy(node))
    case .list(let node)?, .tuple(let node)?:
      try content.budget.take(content.nodes[node].count, of: 2 * MemoryLayout<PickleValue>.stride)
      var items: [PickleValue] = []
      for pair in content.nodes[node] {
        guard let pair = content.items(pair), pair.count == 2 else { return nil }
        items += pair
      }
      return .dict(try content.node(items))
    default: return nil
    }
  }

  /// The node of a copy of a list, tuple or set, or of nothing.
  private static func sequence(
    _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> Int? {
    guard arguments.count <= 1 else { return nil }
    switch arguments.first {
    case nil: return try content.node([])
    case .list(let node)?, .tuple(let node)?, .set(let node)?: return try content.copy(node)
    default: return nil
    }
  }

  /// Bytes: none, those given, zeros by their number, or those of a Latin-1 text.
  private static func bytes(
    _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> PickleValue? {
    switch (arguments.first, arguments.count) {
    case (nil, _): return .bytes(try content.keep([]))
    case (.bytes?, 1): return arguments[0]
    case (.int(let count)?, 1):
      guard (0...(1 << 20)).contains(count) else { return nil }
      try content.budget.take(bytes: Int(count))
      return .bytes(try content.keep([UInt8](repeating: 0, count: Int(count))))
    case (.text(let place)?, 2):
      guard let encoding = content.text(arguments[1]),
        let text = String(validating: content.bytes(place), as: UTF8.self)
      else { return nil }
      try content.budget.take(bytes: Int(place.count))
      var bytes: [UInt8] = []
      switch encoding {
      case "latin1", "latin-1", "iso-8859-1":
        for scalar in text.unicodeScalars {
          guard let byte = UInt8(exactly: scalar.value) else { return nil }
          bytes.append(byte)
        }
      case "utf-8", "utf8": bytes = Array(text.utf8)
      case "ascii":
        bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
      default: return nil
      }
      return .bytes(try content.keep(bytes))
    default: return nil
    }
  }

  static func double(_ value: PickleValue) -> Double? {
    switch value {
    case .float(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  private static func device(
    _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> PickleValue? {
    guard case .text(let kind)? = arguments.first, arguments.count <= 2 else { return nil }
    guard arguments.count == 2 else { return .text(kind) }
    guard case .int(let index) = arguments[1], kind.count < 64 else { return nil }
    return .text(try content.keep(Array(content.bytes(kind)) + Array(":\(index)".utf8)))
  }

  /// What `copyreg` would make of a class: an opaque object of that class.
  private static func object(
    _ function: String, _ arguments: [PickleValue], in content: inout PickleContent
  ) throws(CairnError) -> PickleValue? {
    guard case .global(let name)? = arguments.first else { return nil }
    var rest = Array(arguments.dropFirst())
    if function == "copyreg._reconstructor" {
      // The base class, and what it is made from: `object` is made from nothing.
      guard rest.count == 2 else { return nil }
      rest = rest[1] == .none ? [] : [rest[1]]
    } else if !content.names[name].spellingBegins(with: "copyreg."),
      // One that named itself again would be a level deeper for each argument.
      let made = try value(of: content.names[name], rest, in: &content)
    {
      return made
    }
    return try content.opaque(name, .tuple(content.node(rest)))
  }
}
