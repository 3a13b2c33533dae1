// Replacements for the functions that a pickle names: a fixed list of Python's constructors of
// plain values, written here, and the format's own ones. Nothing is ever looked up or called by a
// name from the file. A name that is in neither list makes an opaque object.

import CairnSystem

/// The calls that have a replacement.
enum PickleCalls {
  /// The result of a "call" of a name with `arguments`.
  ///
  /// - Returns: nil for a name that is not in the list, or arguments that it does not take.
  static func value<Format: PickleFormat>(
    of function: String, _ arguments: [PickleValue], in content: inout PickleContent<Format>
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
    case "builtins.tuple":
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
    case "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__":
      return try object(function, arguments, in: &content)
    default: return try Format.value(of: function, arguments, in: &content)
    }
  }

  /// A dictionary: empty, of pairs (as Python 2 gives them), or with the items of another.
  private static func dictionary<Format: PickleFormat>(
    _ arguments: [PickleValue], in content: inout PickleContent<Format>
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

  /// The node of a copy of a list, tuple or set; an empty one without arguments.
  static func sequence<Format: PickleFormat>(
    _ arguments: [PickleValue], in content: inout PickleContent<Format>
  ) throws(CairnError) -> Int? {
    guard arguments.count <= 1 else { return nil }
    switch arguments.first {
    case nil: return try content.node([])
    case .list(let node)?, .tuple(let node)?, .set(let node)?: return try content.copy(node)
    default: return nil
    }
  }

  /// Bytes: none, the given ones, a number of zeros, or those of a Latin-1 text.
  private static func bytes<Format: PickleFormat>(
    _ arguments: [PickleValue], in content: inout PickleContent<Format>
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

  private static func double(_ value: PickleValue) -> Double? {
    switch value {
    case .float(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  /// What `copyreg` would make of a class: an opaque object of that class.
  private static func object<Format: PickleFormat>(
    _ function: String, _ arguments: [PickleValue], in content: inout PickleContent<Format>
  ) throws(CairnError) -> PickleValue? {
    guard case .global(let name)? = arguments.first else { return nil }
    var rest = Array(arguments.dropFirst())
    if function == "copyreg._reconstructor" {
      // The base class and its argument. `object` has no argument.
      guard rest.count == 2 else { return nil }
      rest = rest[1] == .none ? [] : [rest[1]]
    } else if !content.names[name].spellingBegins(with: "copyreg."),
      // The name must not be one of `copyreg` again: each argument would go one level deeper.
      let made = try value(of: content.names[name], rest, in: &content)
    {
      return made
    }
    return try content.opaque(name, .tuple(content.node(rest)))
  }
}
