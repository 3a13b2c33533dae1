// `cairn verify`

import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check a checkpoint: structure and every checksum.",
    discussion: """
      After `verify` every byte of a .cairn file is known to be as it was written. --deep also \
      decodes every tensor, checks its elements and, where there are digests, its digest.
      Exit status 1 says that the file contradicts its own format, 2 that it could not be read, is no \
      checkpoint, or uses what Cairn does not support.

      EXAMPLE
        cairn verify --deep model.cairn
      """)

  @Argument(help: "The checkpoint.")
  var file: String

  @Flag(help: "Also decode all content and check it against its digests.")
  var deep = false

  @Flag(help: "Print JSON: path, valid, level, error.")
  var json = false

  @Flag(help: "With --deep: decode even more than 64 MiB and 64 times the file, as of zeros.")
  var expand = false

  @Option(help: "The file's format, instead of finding it out.")
  var from: FormatName?

  func run() throws {
    let level: VerificationLevel = deep ? .deep : .structure
    var failure: CairnError?
    var summary = ""
    do throws(CairnError) {
      let checkpoint = try CheckpointFile.open(file, format: from?.format)
      // Other formats have a bound in their reader on what is inflated, and check a view once
      // however often it repeats its elements.
      if deep, !expand, checkpoint.blockByteCount > 0 { try checkpoint.checkPlausible() }
      let bar = ProgressBar("verify")
      try checkpoint.verify(level) { (progress) throws(CairnError) in try bar.update(progress) }
      ProgressBar.clear()
      summary =
        "\(file.printable): valid \(checkpoint.formatName), \(checkpoint.source.count) tensors, "
        + ByteCount.text(checkpoint.fileByteCount)
        + (checkpoint.checksums.map { ": structure and \($0) checked" }
          ?? ": structure checked, its content is under no checksums")
        + (deep ? ", content decoded" : "")
        + (deep && checkpoint.rootDigest != nil ? ", digests match" : "")
        + Self.unread(checkpoint.opaqueItems.count)
    } catch {
      guard error.saysInvalid, !isOwnLimit(error) else { throw error }
      failure = error
    }
    if json {
      var object: JSONObject = [
        "path": .string(SystemPath.shown(file)), "valid": .bool(failure == nil),
        "level": .string(level.rawValue),
      ]
      if let failure { object["error"] = failure.json }
      Terminal.say(try JSONValue.object(object).text(.pretty))
    } else if failure == nil {
      Terminal.say(summary)
    }
    if let failure {
      Terminal.complain(failure.withOptions.description)
      throw Finished(code: Exit.negative)
    }
  }

  /// Whether an error is about a limit of Cairn and not of the format. The limits of a container
  /// are rules of the format.
  private func isOwnLimit(_ error: CairnError) -> Bool {
    error.code == .limitExceeded
      && (try? FormatRegistry.standard.detect(file).name) != CheckpointFormat.cairn.name
  }

  private static func unread(_ count: Int) -> String {
    switch count {
    case 0: ""
    case 1: "; 1 item is not read"
    default: "; \(count) items are not read"
    }
  }
}

extension CairnError {
  /// The parts of the error, for scripts.
  var json: JSONValue {
    var object: JSONObject = ["code": .string(code.name), "message": .string(message)]
    if let file = location.file { object["file"] = .string(SystemPath.shown(file)) }
    if let offset = location.offset { object["offset"] = .unsigned(offset) }
    if let name = location.name { object["name"] = .string(name) }
    if let index = location.index { object["index"] = .integer(Int64(index)) }
    if let expected { object["expected"] = .string(expected) }
    if let found { object["found"] = .string(found) }
    if let advice { object["advice"] = .string(advice) }
    return .object(object)
  }
}
