// The formats that Cairn knows as sources of tensors: one line each.

public import CairnCheckpoints
import CairnContainer

extension FormatRegistry {
  /// All formats, without what needs models: `.keras` and `.h5` are read but not written.
  ///
  /// In the order in which they are tried on a file's content.
  public static let tensors = FormatRegistry([
    .cairn, .safetensors, .npy, .kerasReader, .pytorch, .npz, .tensorflow, .gguf, .hdf5Reader,
    .kerasShards, .sharded, .onnx,
  ])
}
