// Splitting a model: its configuration goes into a file of its own, its tensors into another.

import CairnCheckpoints
import CairnModelFiles
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

/// A source without its configuration, which goes to a file of its own.
struct WithoutConfiguration: TensorWrapper {
  let base: any TensorSource
  /// The configuration in Keras's form.
  private let text: [UInt8]

  /// - Throws: `noConfiguration` if there is none.
  init(_ base: any TensorSource) throws(CairnError) {
    self.base = base
    guard let value = try base.parsedConfiguration()?.value else {
      throw CairnError(
        .noConfiguration, "the file holds tensors but no model",
        advice: "Leave out --write-config")
    }
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

  /// The configuration's file, written but not yet in its place.
  func stageConfiguration(for path: String) throws(CairnError) -> AtomicFile {
    let file = try AtomicFile(path: path, replacing: true)
    try file.append(text.span)
    try file.stage()
    return file
  }

  var attachments: Attachments {
    var attachments = base.attachments
    attachments.configuration = nil
    return attachments
  }
}
