// `cairn salvage`

import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage", abstract: "Recover what is intact in a damaged container.",
    discussion: """
      For a .cairn file that is damaged, cut short or was never finished: every tensor of which \
      description and data are intact, and metadata, configuration and blobs, are written to a new \
      container, and what is lost is named on standard output. The damaged file stays as it is.
      Exit status 2 says that nothing could be recovered, or another failure; then no output is made.

      EXAMPLE
        cairn salvage broken.cairn recovered.cairn
        cairn salvage --partial --json broken.cairn recovered.cairn
      """)

  @Argument(help: "The damaged container.")
  var broken: String

  @Argument(help: "The container to write.")
  var output: String

  @Flag(help: "Keep tensors that are damaged in part, with zeros for what is lost.")
  var partial = false

  @Flag(help: "Print JSON: path, output, valid, error, tensors, …, lost.")
  var json = false

  @OptionGroup var writing: WritingOptions

  func run() throws {
    try checkOutput()
    let fault = try diagnosis()
    let bar = ProgressBar("salvage", stateWhenStopped: "what was there before is untouched")
    var options = SalvageOptions()
    options.reading = writing.readOptions
    options.keepsPartialTensors = partial
    let salvage = try Salvage(path: broken, options: options) { (progress) throws(CairnError) in
      try bar.update(progress)
    }
    var report = SalvageReport(
      path: broken, fault: fault, salvage: salvage, blobCount: try salvage.recovered.blobs.count)
    // An intact file without content is copied like any other.
    guard fault == nil || !salvage.isEmpty else {
      if json { Terminal.say(try report.json.text(.pretty)) }
      throw CairnError(
        .nothingRecovered, "nothing in the file could be recovered", at: .init(file: broken),
        found: fault.map { $0.message + " [\($0.code.name)]" })
    }
    if !writing.expand {
      do throws(CairnError) { try CheckpointFormat.cairn.checkPlausible(salvage.recovered) } catch {
        throw error.located(file: broken)
      }
    }
    let summary = try Container.write(salvage.recovered, to: output, options: writing.writeOptions)
    {
      (progress) throws(CairnError) in
      try bar.update(progress)
    }
    ProgressBar.clear()
    report.written = (output, summary)
    Terminal.say(json ? try report.json.text(.pretty) : report.text)
  }

  /// Refuses an output that would destroy the input, or whose format is not the container.
  private func checkOutput() throws(CairnError) {
    let files = SystemFileSystem()
    if let input = try? files.status(at: broken), let target = try? files.status(at: output),
      input.device == target.device, input.inode == target.inode
    {
      throw CairnError(
        .invalidArgument, "the output is the damaged file itself", at: .init(file: output),
        advice: "Name another file: nothing is written over what may still be needed")
    }
    if let format = try? FormatRegistry.standard.forWriting(output), format.name != "cairn" {
      throw CairnError(
        .invalidArgument, "what is salvaged is written as a container", at: .init(file: output),
        expected: ".cairn", found: format.name, advice: "Convert the container afterwards")
    }
  }

  /// What is wrong with the file, if anything is.
  private func diagnosis() throws(CairnError) -> CairnError? {
    let bar = ProgressBar("verify", stateWhenStopped: "what was there before is untouched")
    do throws(CairnError) {
      _ = try Container(path: broken, options: writing.readOptions).verify(.deep) {
        (progress) throws(CairnError) in try bar.update(progress)
      }
      return nil
    } catch {
      // A failing disk is a reason to salvage a file, so its errors count as damage.
      guard error.saysInvalid || error.code == .inputOutput else { throw error }
      return error
    }
  }
}

extension CairnError.Code {
  /// Nothing in a damaged file is intact.
  static let nothingRecovered = Self("nothingRecovered")
}
