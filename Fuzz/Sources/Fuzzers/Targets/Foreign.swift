// Files of other ecosystems' formats, as they are: opened, read, checked, converted.

import Cairn

extension FuzzTarget {
  /// A .npy or .npz file.
  static let numpy = foreign("numpy", changed: changedArchive) {
    $0.first == 0x50 ? .npz : .npy
  }
  /// A PyTorch checkpoint, archive or stream.
  static let pytorch = foreign("pytorch", changed: changedArchive) { _ in .pytorch }
  static let gguf = foreign("gguf") { _ in .gguf }
  static let onnx = foreign("onnx") { _ in .onnx }

  private static func foreign(
    _ name: String, changed: Mutator? = nil,
    _ format: @escaping @Sendable ([UInt8]) -> CheckpointFormat
  ) -> FuzzTarget {
    FuzzTarget(name, changed: changed) { (bytes) throws(CairnError) in
      try checkCheckpoint(at: fileInMemory(bytes), format(bytes), bytes)
    }
  }
}
