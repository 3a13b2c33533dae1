// The names under which Hugging Face's libraries keep a model in a folder (transformers,
// `utils/__init__.py`; diffusers, `utils/constants.py`; peft). They decide which file is read for a
// folder.

import CairnCheckpoints
import CairnSystem

/// Names of indexes and of single files, in the order in which they are looked for.
enum FolderNames {
  private static let stems = [
    "model", "diffusion_pytorch_model", "adapter_model", "pytorch_lora_weights",
    "open_clip_model", "consolidated",
  ]
  /// The part of the name between the stem and the extension that tells the variant; no variant
  /// comes first.
  private static let variants = [
    "", ".fp16", ".bf16", ".fp32", ".non_ema", ".ema", ".fp8", ".int8", ".8bit", ".4bit",
  ]

  /// The indexes of sharded checkpoints.
  static let indexes: [String] = {
    var names: [String] = []
    for variant in variants {
      for stem in stems {
        names.append("\(stem)\(variant).safetensors.index.json")
        // Files with either spelling exist.
        if !variant.isEmpty { names.append("\(stem).safetensors.index\(variant).json") }
      }
    }
    for variant in variants {
      names.append("pytorch_model\(variant).bin.index.json")
      if !variant.isEmpty { names.append("pytorch_model.bin.index\(variant).json") }
      names.append("diffusion_pytorch_model\(variant).bin.index.json")
    }
    return names
  }()

  /// Whole models in one safetensors file.
  static let safetensors = variants.flatMap { variant in
    stems.map { "\($0)\(variant).safetensors" }
  }

  /// Whole models in one file of PyTorch.
  static let pytorch =
    variants.flatMap { variant in
      ["pytorch_model", "diffusion_pytorch_model", "adapter_model", "pytorch_lora_weights"]
        .map { "\($0)\(variant).bin" }
    } + ["open_clip_pytorch_model.bin"]

  /// The index that is read for a folder.
  static func index(in place: CheckpointPlace) -> String? {
    indexes.first { place.holds($0) }
  }

  /// Remarks on the other files of a folder that could have been meant instead of `name`.
  static func remarks(_ name: String, in place: CheckpointPlace) -> [String] {
    place.remarks(opened: name, among: indexes + safetensors + pytorch)
  }
}
