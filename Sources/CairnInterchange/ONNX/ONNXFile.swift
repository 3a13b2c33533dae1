// The initialisers of an ONNX model as a source of tensors.

import CairnFormat
import CairnSystem
public import CairnTensors

extension CheckpointFormat {
  /// The initialisers of an ONNX model, with external data.
  public static let onnx = CheckpointFormat(
    name: "onnx", extensions: ["onnx"], lacks: [],
    recognises: { $0.file.map { ONNXModel.recognises($0) } ?? false },
    open: { (place) throws(CairnError) in try ONNXFile(place) }, sink: nil)
}

/// An ONNX model's initialisers and the tensors of its `Constant` nodes, by the names of their values, in
/// the order of the file; those of graphs within nodes have the path `NODE/ATTRIBUTE/NAME`. The graphs themselves are not kept, and ``remarks`` says so.
public struct ONNXFile: TableSource {
  let table: TensorTable
  /// What the model says of itself: versions, producer, properties.
  public let metadata: Metadata
  /// Bytes of the model and of its external data.
  public let fileByteCount: Int
  /// That nodes are not kept.
  public let remarks: [String]

  /// The most files of external data: each is open.
  private static let maximumFileCount = 256

  /// Opens a model and the files of its external data.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unknownDType`, `invalidShape`, `sizeMismatch`,
  ///   `duplicateName`, `invalidName`, `unsupported`, `limitExceeded`; `invalidPath` for external data
  ///   outside the model's folder, `missingFile`.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let source = try place.openFile()
    do throws(CairnError) {
      let model = try ONNXModel(source, limits: place.options.limits)
      var files: [String: FileBytes] = [:]
      var total = source.count
      var table = TensorTable(path: source.path)
      for (path, tensor) in model.tensors {
        do throws(CairnError) {
          let item = try tensor.item(named: TensorName(path)) { (location) throws(CairnError) in
            if let open = files[location] { return open }
            guard files.count < Self.maximumFileCount else {
              throw CairnError(.limitExceeded, "the model names too many files of external data")
            }
            // ‘./weights’ is ‘weights’; nothing else is taken away.
            let parts = location.split(separator: "/", omittingEmptySubsequences: false)
            let name = parts.filter { $0 != "." }.joined(separator: "/")
            let file = try place.companion(name, .confined)
            files[location] = file
            total = total.addingReportingOverflow(file.count).partialValue
            return file
          }
          try table.add(item)
        } catch {
          throw error.located(offset: tensor.place.offset, name: path.isEmpty ? nil : path)
        }
      }
      self.table = table
      metadata = Metadata(model.metadata)
      fileByteCount = total
      remarks =
        model.nodeCount == 0
        ? []
        : ["the \(model.nodeCount) nodes of the model's graphs are not kept: only their tensors"]
    } catch {
      throw error.located(file: source.path)
    }
  }
}
