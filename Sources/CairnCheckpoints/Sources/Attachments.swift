// What a checkpoint carries beside its tensors.

package import CairnSystem
public import CairnTensors

/// Bytes that a checkpoint carries beside its tensors, by name; kept, never executed.
public struct Blob: Hashable, Sendable {
  /// The name, unique among the blobs.
  public var name: TensorName
  /// The content.
  public var bytes: [UInt8]

  /// A blob with the given name and content.
  public init(name: TensorName, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}

/// What is known of a blob before it is read.
package struct BlobEntry: Hashable, Sendable {
  /// The name, unique among the blobs.
  package var name: TensorName
  /// The bytes of the content.
  package var byteCount: Int

  /// A blob with the given name and size.
  package init(name: TensorName, byteCount: Int) {
    self.name = name
    self.byteCount = byteCount
  }
}

/// The blobs of a source, which are read when somebody asks for them.
public struct Blobs: Sendable {
  private let listed: (@Sendable () throws(CairnError) -> [BlobEntry])?
  private let read: @Sendable () throws(CairnError) -> [Blob]

  /// Blobs in memory.
  ///
  /// - Parameter blobs: Ascending by name.
  public init(_ blobs: [Blob] = []) {
    self.init { () throws(CairnError) in blobs }
  }

  /// Blobs that `read` gives, ascending by name. Names and sizes are theirs unless they are known without.
  package init(
    entries: (@Sendable () throws(CairnError) -> [BlobEntry])? = nil,
    reading read: @escaping @Sendable () throws(CairnError) -> [Blob]
  ) {
    self.read = read
    listed = entries
  }

  /// Names and sizes, ascending by name.
  package func entries() throws(CairnError) -> [BlobEntry] {
    if let listed { return try listed() }
    return try read().map { BlobEntry(name: $0.name, byteCount: $0.bytes.count) }
  }

  /// The blobs, ascending by name, read anew each time.
  package func contents() throws(CairnError) -> [Blob] { try read() }
}

/// What a source carries beside its tensors. A view that shows the same, but for some of it, changes that
/// and keeps the rest.
public struct Attachments: Sendable {
  /// Key-values about the whole.
  public var metadata: Metadata
  /// The model's configuration: UTF-8 JSON, if there is one.
  public var configuration: [UInt8]? { didSet { parsed = nil } }
  /// The same, if somebody parsed it already.
  private var parsed: ConfigurationText?
  /// Further bytes, by name.
  public var blobs: Blobs
  /// What is there and is not read, in the source's own order. A writer refuses to leave it out unless
  /// that is accepted (as a loss of the kind `opaque`).
  public var opaqueItems: [OpaqueItem]
  private let told: @Sendable () -> [String]
  /// What was understood but will not stay as it was when the tensors are copied: one sentence
  /// each.
  public var remarks: [String] { told() }

  /// Those given, and nothing else.
  ///
  /// - Parameter remarks: Evaluated whenever somebody asks for them.
  public init(
    metadata: Metadata = Metadata(), configuration: [UInt8]? = nil, blobs: Blobs = Blobs(),
    opaqueItems: [OpaqueItem] = [], remarks: @autoclosure @escaping @Sendable () -> [String] = []
  ) {
    self.metadata = metadata
    self.configuration = configuration
    self.blobs = blobs
    self.opaqueItems = opaqueItems
    told = remarks
  }

  /// Those given, with a configuration that was parsed already.
  package init(
    metadata: Metadata, parsed: ConfigurationText?, blobs: Blobs = Blobs(),
    opaqueItems: [OpaqueItem] = [], remarks: @autoclosure @escaping @Sendable () -> [String] = []
  ) {
    self.init(
      metadata: metadata, configuration: parsed?.text, blobs: blobs, opaqueItems: opaqueItems,
      remarks: remarks())
    self.parsed = parsed
  }

  /// The model's configuration with what it says.
  ///
  /// - Throws: `invalidConfiguration`.
  package func parsedConfiguration() throws(CairnError) -> ConfigurationText? {
    if let parsed { return parsed }
    guard let configuration else { return nil }
    return try ConfigurationText(parsing: configuration)
  }
}
