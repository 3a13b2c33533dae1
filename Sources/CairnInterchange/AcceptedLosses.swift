// What may be left out when a format cannot hold all that a source has.

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
  /// All of the above. Names, types, shapes and bits are never lost.
  public static let all: Self = [.ties, .metadataTypes, .configuration, .blobs]
}

/// The spelling of each single loss, for messages and the command line.
extension AcceptedLosses: CustomStringConvertible {
  /// The names of the losses, with commas.
  public var description: String {
    let names: [(Self, String)] = [
      (.ties, "ties"), (.metadataTypes, "metadataTypes"), (.configuration, "configuration"),
      (.blobs, "blobs"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}
