// What may be left out when a format cannot hold all that a source has.

import CairnJSON
package import CairnSystem
public import CairnTensors

/// What a writer may lose of a source that its format cannot hold.
///
/// Nothing is lost unless the caller names it here: a writer refuses with `cannotHold` and says
/// what it would lose.
public struct AcceptedLosses: OptionSet, Hashable, Sendable {
  /// One bit for each kind of loss.
  public let rawValue: Int

  /// The losses with those bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Ties: an alias is written as a tensor of its own, its bytes a second time.
  public static let ties = Self(rawValue: 1 << 0)
  /// The types of metadata: a value that is no text is written as its JSON text.
  public static let metadataTypes = Self(rawValue: 1 << 1)
  /// The model's configuration is left out.
  public static let configuration = Self(rawValue: 1 << 2)
  /// The blobs are left out.
  public static let blobs = Self(rawValue: 1 << 3)
  /// The metadata is left out.
  public static let metadata = Self(rawValue: 1 << 4)
  /// The tensor's name is left out, by a format of one tensor.
  public static let names = Self(rawValue: 1 << 5)
  /// The order of weights is left out, by a format that sorts tensors by name.
  public static let order = Self(rawValue: 1 << 6)
  /// The exactness of numbers: a cast may turn them into a type that does not have all of them.
  public static let precision = Self(rawValue: 1 << 7)
  /// What the source itself names and does not read, as ``OpaqueItem``s.
  public static let opaque = Self(rawValue: 1 << 8)
  /// All of the above. Types, shapes and bits are lost only by a cast that was asked for.
  public static let all: Self = [
    .ties, .metadataTypes, .configuration, .blobs, .metadata, .names, .order, .precision, .opaque,
  ]
}

/// The spelling of each single loss, for messages and the command line.
extension AcceptedLosses: CustomStringConvertible {
  /// The names of the losses, with commas.
  public var description: String {
    let names: [(Self, String)] = [
      (.ties, "ties"), (.metadataTypes, "metadataTypes"), (.configuration, "configuration"),
      (.blobs, "blobs"), (.metadata, "metadata"), (.names, "names"), (.order, "order"),
      (.precision, "precision"), (.opaque, "opaque"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}

/// Something of a source that a format has no place for.
public struct FormatLoss: Hashable, Sendable {
  /// Which kind of loss it is.
  public var kind: AcceptedLosses
  /// What would be lost, in words.
  public var what: String
  /// The first tensor, key or blob that is concerned.
  public var name: TensorName?

  /// A loss.
  package init(kind: AcceptedLosses, what: String, name: TensorName? = nil) {
    self.kind = kind
    self.what = what
    self.name = name
  }
}

extension AcceptedLosses {
  /// What of `source` is lost by a format that lacks what `self` names: at most one of each kind.
  ///
  /// - Complexity: O(tensors).
  package func losses(of source: any TensorSource) throws(CairnError) -> [FormatLoss] {
    var found: [FormatLoss] = []
    if contains(.opaque), let loss = Self.opaqueLoss(source.opaqueItems) { found.append(loss) }
    if contains(.configuration), source.configuration != nil {
      found.append(FormatLoss(kind: .configuration, what: "a configuration"))
    }
    if contains(.blobs), let blob = try source.blobEntries.first {
      found.append(FormatLoss(kind: .blobs, what: "blobs", name: blob.name))
    }
    if contains(.ties) {
      for index in 0..<source.count {
        let entry = try source.entry(at: index)
        guard let owner = entry.aliasOf else { continue }
        found.append(FormatLoss(kind: .ties, what: "a second name of ‘\(owner)’", name: entry.name))
        break
      }
    }
    if contains(.metadata),
      let key = source.metadata.keys.first(where: { !FormatNotes.keys.contains($0) })
    {
      found.append(FormatLoss(kind: .metadata, what: "metadata", name: key))
    }
    if contains(.metadataTypes) {
      for (key, value) in source.metadata {
        if case .string = value { continue }
        if FormatNotes.keys.contains(key) { continue }
        found.append(FormatLoss(kind: .metadataTypes, what: "metadata that is no text", name: key))
        break
      }
    }
    if contains(.names), source.count > 0 {
      let entry = try source.entry(at: 0)
      if entry.name != Self.nameOfOnly {
        found.append(FormatLoss(kind: .names, what: "the name of its tensor", name: entry.name))
      }
    }
    if contains(.order), let name = try Self.firstOutOfOrder(of: source) {
      found.append(
        FormatLoss(kind: .order, what: "an order of weights but that of names", name: name))
    }
    return found
  }

  /// The name of a tensor that has none in its file. NumPy gives it to an array that `savez` is
  /// given without a name.
  package static let nameOfOnly: TensorName = "arr_0"

  /// What cannot be carried over because it was never read.
  private static func opaqueLoss(_ items: [OpaqueItem]) -> FormatLoss? {
    guard let first = items.first else { return nil }
    let more = items.count == 1 ? "" : ", and \(items.count - 1) more"
    return FormatLoss(
      kind: .opaque,
      what: "\(first.pathText.excerpt), which is \(first.type.excerpt): \(first.reason)\(more)")
  }

  /// The first tensor whose name does not come after that of the one ahead of it.
  private static func firstOutOfOrder(
    of source: any TensorSource
  ) throws(CairnError) -> TensorName? {
    var last: TensorName?
    for index in try source.indicesInWeightOrder() {
      let name = try source.entry(at: index).name
      if let last, !(last < name) { return name }
      last = name
    }
    return nil
  }
}
