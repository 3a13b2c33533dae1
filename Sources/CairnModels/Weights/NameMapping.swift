// Turns the names of another program's tensors into names of a model: rules on bytes, no patterns.

package import CairnSystem
public import CairnTensors

/// Rules that turn a source's names into a model's paths. Each is applied to the result of the one
/// before.
///
/// ```swift
/// let mapping: NameMapping = [
///   .text(".", becomes: "/"), .prefix("bert/", becomes: "encoder/"),
///   .component("weight", becomes: "kernel"),
/// ]
/// ```
public struct NameMapping: Hashable, Sendable, ExpressibleByArrayLiteral {
  /// One rule. Names are compared by their UTF-8 bytes.
  public enum Rule: Hashable, Sendable {
    /// One name becomes another.
    case name(TensorName, becomes: TensorName)
    /// The beginning of a name becomes another; every name begins with an empty one.
    case prefix(String, becomes: String)
    /// The end of a name becomes another.
    case suffix(String, becomes: String)
    /// Each part between slashes that is equal to this becomes another.
    case component(String, becomes: String)
    /// Each occurrence, from first to last, becomes another text.
    case text(String, becomes: String)
  }

  /// The rules, in the order in which they are applied.
  package var rules: [Rule]

  /// The given rules.
  public init(_ rules: [Rule] = []) { self.rules = rules }
  /// The given rules.
  public init(arrayLiteral elements: Rule...) { rules = elements }

  /// The name that the rules make from a name.
  ///
  /// - Throws: `invalidName` if the result can't be a tensor's name.
  package func callAsFunction(_ name: TensorName) throws(CairnError) -> TensorName {
    guard !rules.isEmpty else { return name }
    var bytes = Array(name.string.utf8)
    for rule in rules { bytes = rule.applied(to: bytes) }
    do throws(CairnError) { return try TensorName(utf8: bytes) } catch {
      var error = error
      error.advice = "The rules make this of ‘\(name)’"
      throw error
    }
  }
}

extension NameMapping.Rule {
  fileprivate func applied(to name: [UInt8]) -> [UInt8] {
    switch self {
    case .name(let old, let new):
      return name.elementsEqual(old.string.utf8) ? Array(new.string.utf8) : name
    case .prefix(let old, let new):
      guard name.starts(with: old.utf8) else { return name }
      return Array(new.utf8) + name.dropFirst(old.utf8.count)
    case .suffix(let old, let new):
      guard name.reversed().starts(with: old.utf8.reversed()) else { return name }
      return name.dropLast(old.utf8.count) + Array(new.utf8)
    case .component(let old, let new):
      let slash = UInt8(ascii: "/")
      let parts = name.split(separator: slash, omittingEmptySubsequences: false)
      return Array(
        parts.map { $0.elementsEqual(old.utf8) ? Array(new.utf8) : Array($0) }
          .joined(separator: [slash]))
    case .text(let old, let new):
      return Self.replacing(Array(old.utf8), by: Array(new.utf8), in: name)
    }
  }

  private static func replacing(_ old: [UInt8], by new: [UInt8], in name: [UInt8]) -> [UInt8] {
    guard !old.isEmpty else { return name }
    var result: [UInt8] = []
    var rest = name[...]
    while let first = rest.first {
      if rest.starts(with: old) {
        result += new
        rest = rest.dropFirst(old.count)
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
