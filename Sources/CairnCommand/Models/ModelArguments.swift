// What the commands for whole models have in common: the model's file, or its two files.

import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnModelFiles
import CairnForeign
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTerminal

struct ModelArguments: ParsableArguments {
  @Argument(
    help: "The model: a .cairn file, Keras's .keras or .h5, or with --config its weights.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Keras's config.json, where <model> holds weights only.", valueName: "json"))
  var config: String?

  /// The model and the metadata of its file. The file is opened only once.
  ///
  /// - Throws: the errors of reading it; `noConfiguration` for weights without a configuration.
  func open() throws(CairnError) -> (model: Model, metadata: Metadata) {
    let file = try CheckpointFile.open(model)
    do throws(CairnError) {
      if let config {
        return (try Self.model(configuration: config, weights: file), file.source.metadata)
      }
      return (try Model.load(from: file.source), file.source.metadata)
    } catch {
      throw error.located(file: model)
    }
  }

  /// The bytes of the model's files, for those paths that are files.
  var byteCount: Int {
    [model, config].compactMap { $0 }.reduce(0) { sum, path in
      sum + min((try? FileBytes(path: path).count) ?? 0, 1 << 48)
    }
  }

  /// A model from two files.
  static func model(
    configuration path: String, weights: CheckpointFile
  ) throws(CairnError) -> Model {
    do throws(CairnError) {
      let file = try FileBytes(path: path)
      // The same limit as in a container: no configuration is longer.
      guard file.count <= 256 << 20 else {
        throw CairnError(
          .overBudget, "the configuration is too long", expected: "at most 256 MiB",
          found: ByteCount.text(file.count))
      }
      let text = try file.withBytes(in: 0..<file.count) { $0.array }
      return try Model.load(from: weights.source, configuration: text)
    } catch {
      throw error.code == .weightMismatch
        ? error.located(file: weights.path) : error.located(file: path)
    }
  }
}
