// What the commands that read one checkpoint and write another have in common.

import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct ConversionArguments: ParsableArguments {
  @Argument(help: "The checkpoint to read.")
  var input: String

  @Argument(help: "The file to write; its extension says the format.")
  var output: String

  @Option(help: "The input's format, instead of finding it out.")
  var from: FormatName?

  @Option(help: "The output's format, whatever its extension.")
  var to: FormatName?

  @OptionGroup var writing: WritingOptions

  /// Opens the input.
  ///
  /// - Parameter allowsMissingFiles: Whether missing files are an error only if chosen tensors need
  ///   them.
  func openInput(allowsMissingFiles: Bool = false) throws(CairnError) -> CheckpointFile {
    var options = writing.readOptions
    options.allowsMissingFiles = allowsMissingFiles
    let file = try CheckpointFile.open(input, format: from?.format, options: options)
    let files = SystemFileSystem()
    // A set of several files that replaces another set takes its place all at once, so that is
    // allowed.
    if file.spansFiles, try !outputFormat().spansFiles, let one = try? files.resolve(input),
      let other = try? files.resolve(output),
      one == other
    {
      throw CairnError(
        .invalidArgument, "the output is one of the files of the input", at: .init(file: output),
        advice: "Name another file: the others would be left without it")
    }
    return file
  }

  /// Writes all of `source` to the output, with a line of progress that begins with `label`.
  ///
  /// - Parameter proof: What must hold of the written files before they are put in their place.
  /// - Returns: The bytes of all files that were written.
  @discardableResult
  func write(
    _ source: any TensorSource, label: String, lossy: Bool = false, proof: SaveProof? = nil
  ) throws(CairnError) -> Int {
    let format = try outputFormat()
    do throws(CairnError) {
      return try writing.write(
        source, to: output, as: format, label: label, lossy: lossy, proof: proof)
    } catch {
      throw error.located(file: input)
    }
  }

  /// The output's format.
  func outputFormat() throws(CairnError) -> CheckpointFormat {
    // Not `??`: its right side may throw any error.
    if let to { return to.format }
    return try FormatRegistry.standard.forWriting(output)
  }
}

extension WritingOptions {
  /// Writes all of `source` to `output`, with a line of progress that begins with `label`. If
  /// `lossy` is true, what the format cannot hold is named and left out.
  ///
  /// - Returns: The bytes of all files that were written.
  func write(
    _ source: any TensorSource, to output: String, as format: CheckpointFormat, label: String,
    lossy: Bool, proof: SaveProof? = nil
  ) throws(CairnError) -> Int {
    if lossy {
      for loss in try format.losses(of: source) {
        guard loss.kind != .opaque else {
          Terminal.complain("lost: \(loss.what.printable)")
          continue
        }
        Terminal.complain(
          "lost: \(loss.what)" + (loss.name.map { ", as of ‘\($0.string.printable)’" } ?? "")
            + ": \(format.name) has no place for it")
      }
    }
    var options = writeOptions
    options.proof = proof
    var sink = try format.writer(to: output, options: options, accepting: lossy ? .all : [])
    let bar = ProgressBar(label, stateWhenStopped: "what was there before is untouched")
    let written = try sink.write(source) { (progress) throws(CairnError) in
      try bar.update(progress)
    }
    ProgressBar.clear()
    return written
  }
}
