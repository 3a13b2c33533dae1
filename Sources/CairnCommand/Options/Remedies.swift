// What a user of the command can do about an error, with the names of the command's options.

import CairnSystem

extension CairnError {
  /// The error, with the command's options added to its advice.
  var withOptions: CairnError {
    guard let advice, !remedies.isEmpty else { return self }
    var named = self
    named.advice = advice + " (" + remedies.map(\.option).joined(separator: ", ") + ")"
    return named
  }
}

extension CairnError.Remedy {
  /// The option or the command for the remedy.
  var option: String {
    switch self {
    case .acceptLoss: "--lossy"
    case .expand: "--expand"
    case .exclude: "--exclude"
    case .excludeMetadata: "--exclude-metadata"
    case .cast: "--cast"
    case .keepBlocks: "no --dequantize"
    case .largerShards: "--shard-size"
    case .inputFormat: "--from"
    case .outputFormat: "--to"
    case .configuration: "--config"
    case .noLimits: "--no-limits"
    case .listNames: "`cairn info`"
    case .salvage: "`cairn salvage`"
    }
  }
}
