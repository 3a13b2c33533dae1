// The other way round: a model's configuration in a file of its own, its tensors elsewhere.

import CairnCheckpoints
import CairnModelFiles
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

/// A source without its configuration, which goes to a file of its own.
struct WithoutConfiguration: TensorSource {
  private let base: any TensorSource
  /// The configuration as Keras has it.
  private let text: [UInt8]

  /// - Throws: `noConfiguration` if there is none.
  init(_ base: any TensorSource) throws(CairnError) {
    self.base = base
    guard let text = base.configuration else {
      throw CairnError(
        .noConfiguration, "the file holds tensors but no model",
        advice: "Leave out --write-config")
    }
    let value = try Model.parse(configuration: text)
    guard var object = value.objectValue else {
      throw CairnError(.invalidConfiguration, "the configuration is no JSON object")
    }
    if object["cairn"] != nil {
      object["cairn"] = nil
      Terminal.complain(
        "note: Keras's configuration has no place for ties, flags of variables, metrics, and the "
          + "weights that an optimizer was built for")
    }
    do { self.text = try JSONValue.object(object).utf8(.pretty) } catch {
      throw CairnError(
        .invalidConfiguration, "the configuration cannot be written as JSON", cause: error)
    }
  }

  /// The configuration's file, written and not yet in its place.
  func stageConfiguration(for path: String) throws(CairnError) -> AtomicFile {
    let file = try AtomicFile(path: path, replacing: true)
    try file.append(text.span)
    try file.stage()
    return file
  }

  var count: Int { base.count }
  var metadata: Metadata { base.metadata }
  var blobs: [Blob] { get throws(CairnError) { try base.blobs } }
  var blobEntries: [BlobEntry] { get throws(CairnError) { try base.blobEntries } }
  var plausibleByteCount: Int { base.plausibleByteCount }
  var opaqueItems: [OpaqueItem] { base.opaqueItems }

  func entry(at index: Int) throws(CairnError) -> TensorEntry { try base.entry(at: index) }
  func index(of name: TensorName) throws(CairnError) -> Int? { try base.index(of: name) }
  func tensor(at index: Int) throws(CairnError) -> Tensor { try base.tensor(at: index) }
  func memory(at index: Int) throws(CairnError) -> ByteRegion? { try base.memory(at: index) }
  func keptDigest(at index: Int) throws(CairnError) -> [UInt8]? { try base.keptDigest(at: index) }

  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) { try base.read(at: index, from: offset, into: &bytes) }

  func tensors(at indices: [Int]) throws(CairnError) -> [Tensor] {
    try base.tensors(at: indices)
  }
}
