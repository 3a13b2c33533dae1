// Nested dictionaries and lists as tensors and key-values with paths: `model.layer.weight`.

import CairnFormat
import CairnSystem
import CairnTensors

/// The leaves of what a pickle has built, each with its path.
///
/// The path of an element is its container's and, behind a dot, its key or its number from 0; that of
/// the root is empty, and a root that is itself a tensor is called `tensor`. Attributes of a dictionary
/// (`_metadata` of state dictionaries) have the paths that items would have.
struct PickleFlattening {
  private(set) var tensors: [(path: String, tensor: Int)] = []
  private(set) var metadata: [(key: Metadata.Key, value: MetadataValue)] = []
  private let content: PickleContent
  private var visited = 0

  /// Containers in containers, at most.
  private static let maximumDepth = 64
  /// Values that are visited, at most: one container may stand in many places.
  private static let maximumVisits = 1 << 22

  init(_ content: PickleContent) throws(CairnError) {
    self.content = content
    try visit(content.root, path: "", depth: 0)
  }

  private mutating func visit(
    _ value: PickleValue, path: String, depth: Int
  ) throws(CairnError) {
    visited += 1
    guard depth <= Self.maximumDepth, visited <= Self.maximumVisits else {
      throw CairnError(
        .limitExceeded, "the checkpoint's containers are nested too deep, or contain themselves",
        at: .init(name: path.isEmpty ? nil : path), expected: "at most \(Self.maximumDepth) levels")
    }
    switch value {
    case .tensor(let number): tensors.append((path.isEmpty ? "tensor" : path, number))
    case .dict(let node): try visit(dictionary: node, path, depth)
    case .list(let node), .tuple(let node):
      let items = content.nodes[node]
      if let array = Self.array(items) { return try keep(array, path) }
      for (number, item) in items.enumerated() {
        try visit(item, path: Self.join(path, "\(number)"), depth: depth + 1)
      }
    case .none: try keep(.string("None"), path)
    case .bool(let value): try keep(.bool(value), path)
    case .int(let value): try keep(.int(value), path)
    case .float(let value): try keep(.float(value), path)
    case .text(let value): try keep(.string(value), path)
    case .bytes(let value): try keep(.bytes(value), path)
    case .global(let name): try keep(.string(name), path)
    case .storage:
      throw CairnError(
        .unsupported, "the checkpoint holds a bare storage, which has no shape",
        at: .init(name: path.isEmpty ? nil : path), advice: "Save tensors")
    }
  }

  private mutating func visit(
    dictionary node: Int, _ path: String, _ depth: Int
  ) throws(CairnError) {
    let items = content.nodes[node]
    if items.isEmpty, content.attributes[node] == nil, depth > 0 {
      return try keep(.strings([]), path)
    }
    for place in stride(from: 0, to: items.count - 1, by: 2) {
      let key: String
      switch items[place] {
      case .text(let text): key = text
      case .int(let number): key = "\(number)"
      case .bool(let value): key = value ? "True" : "False"
      default:
        throw CairnError(
          .unsupported, "a dictionary has a key that is neither text nor integer",
          at: .init(name: path.isEmpty ? nil : path))
      }
      try visit(items[place + 1], path: Self.join(path, key), depth: depth + 1)
    }
    if case .dict(let attributes)? = content.attributes[node] {
      try visit(dictionary: attributes, path, depth + 1)
    }
  }

  private static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : path + "." + key
  }

  private mutating func keep(_ value: MetadataValue, _ path: String) throws(CairnError) {
    metadata.append((try TensorName(path.isEmpty ? "value" : path), value))
  }

  /// Lists of one kind of number or text are one value.
  private static func array(_ items: [PickleValue]) -> MetadataValue? {
    guard let first = items.first else { return .strings([]) }
    func all<T>(_ take: (PickleValue) -> T?) -> [T]? {
      let values = items.compactMap(take)
      return values.count == items.count ? values : nil
    }
    switch first {
    case .bool:
      return all { if case .bool(let value) = $0 { value } else { nil } }.map(MetadataValue.bools)
    case .int:
      return all { if case .int(let value) = $0 { value } else { nil } }.map(MetadataValue.ints)
    case .float:
      return all { if case .float(let value) = $0 { value } else { nil } }
        .map(MetadataValue.floats)
    case .text:
      return all { if case .text(let value) = $0 { value } else { nil } }
        .map(MetadataValue.strings)
    default: return nil
    }
  }
}
