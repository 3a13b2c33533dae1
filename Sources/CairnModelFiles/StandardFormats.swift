// The formats that there are by default: those that know tensors alone, and what models add to Keras's.

public import CairnCheckpoints
import CairnForeign
public import CairnSystem

extension FormatRegistry {
  /// All formats that Cairn reads and writes, in the order in which content is tried.
  public static let standard = FormatRegistry.tensors.adding(
    .keras, .hdf5)
}

extension CheckpointFormat {
  /// A whole model of Keras 3. Its writer must know where Keras looks for a model's weights.
  public static let keras = CheckpointFormat.kerasReader.with { format in
    format.lostMetadata = KerasWriter.lostMetadata
    format.remarks = { KerasConfiguration.remarks($0) }
    format.sink = { KerasWriter(target: $0, form: .model) }
  }

  /// HDF5: Keras's weights, its older whole models, and others' arrays. Written are Keras's weights.
  public static let hdf5 = CheckpointFormat.hdf5Reader.with { format in
    format.lostMetadata = KerasWriter.lostMetadata
    format.remarks = { KerasConfiguration.remarks($0) }
    format.sink = { KerasWriter(target: $0, form: .weights) }
  }
}

extension CheckpointFile {
  /// Opens what lies at `path`, whose format is found by its content, then by its extension, unless
  /// it is named.
  ///
  /// - Throws: `unknownFormat`, and what opening a file of that format throws.
  public static func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    try FormatRegistry.standard.open(path, format: format, options: options)
  }

  /// Opens a checkpoint whose bytes lie anywhere, as ``FormatRegistry/open(_:named:format:options:)``.
  public static func open(
    _ source: any ByteSource, named name: String? = nil, format: CheckpointFormat? = nil,
    options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    try FormatRegistry.standard.open(source, named: name, format: format, options: options)
  }
}
