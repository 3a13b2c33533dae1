// The default formats: those that know only tensors, and the additions that models make to Keras's.

public import CairnCheckpoints
import CairnForeign
public import CairnSystem

extension FormatRegistry {
  /// All formats that Cairn reads and writes, in the order in which they are tried on a file's
  /// content.
  public static let standard = FormatRegistry.tensors.adding(
    .keras, .hdf5)
}

extension CheckpointFormat {
  /// A whole model of Keras 3. To write it, one must know where Keras looks for a model's weights.
  public static let keras = CheckpointFormat.kerasReader.with { format in
    format.lostMetadata = KerasWriter.lostMetadata
    format.remarks = { KerasConfiguration.remarks($0) }
    format.sink = { KerasWriter(target: $0, form: .model) }
  }

  /// HDF5: Keras's weights, its older whole models, and arrays of other programs. Only Keras's
  /// weights are written.
  public static let hdf5 = CheckpointFormat.hdf5Reader.with { format in
    format.lostMetadata = KerasWriter.lostMetadata
    format.remarks = { KerasConfiguration.remarks($0) }
    format.sink = { KerasWriter(target: $0, form: .weights) }
  }
}

extension CheckpointFile {
  /// Opens what is at `path`. Unless the format is given, it is found by the content, then by the
  /// extension.
  ///
  /// - Throws: `unknownFormat`, and what opening a file of that format throws.
  public static func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    try FormatRegistry.standard.open(path, format: format, options: options)
  }

  /// Opens a checkpoint whose bytes are anywhere, as
  /// ``FormatRegistry/open(_:named:format:options:)``.
  public static func open(
    _ source: any ByteSource, named name: String? = nil, format: CheckpointFormat? = nil,
    options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    try FormatRegistry.standard.open(source, named: name, format: format, options: options)
  }
}
