// `cairn edit`

import ArgumentParser
import CairnCheckpoints
import CairnContainer
import CairnEditing
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTerminal

struct EditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit", abstract: "Rename, delete, add, merge or replace tensors of a checkpoint.",
    discussion: """
      The steps come in this order, whatever the order of the options: delete, transplant, merge, \
      add, cast, transpose, rename. Metadata and configuration stay the input's. What is done to \
      a tied tensor is done to it under all its names.

      \(SelectionOptions.patternHelp)

      The input is never changed but with --in-place, and then replaced whole or not at all.

      EXAMPLE
        cairn edit --dry-run --delete 'optimizer/*' model.cairn
        cairn edit --rename '*.gamma=>$1.weight' model.safetensors new.safetensors
        cairn edit --in-place --transplant 'tuned.cairn::head/*' model.cairn
        cairn edit --merge 'lora.safetensors=>lora/' --add 'step.npy=>step' \\
          model.cairn both.cairn
      """)

  @Argument(help: "The checkpoint to read.")
  var input: String

  @Argument(help: "The file to write; its extension says the format.")
  var output: String?

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: ArgumentHelp(
      "Take tensors of the same names from another file: those with such names there, or all that both have.",
      valueName: "file[::pattern]"))
  var transplant: [FileWithPart] = []

  @Option(
    help: ArgumentHelp(
      "Add all tensors of another file, their names behind a prefix.",
      valueName: "file[=>prefix]"))
  var merge: [MergedFile] = []

  @Option(
    help: ArgumentHelp(
      "Add one tensor of another file under a name.", valueName: "file[::tensor]=>name"),
    transform: { try AddedTensor($0) })
  var add: [AddedTensor] = []

  @Flag(help: "Replace the input.")
  var inPlace = false

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Leave out what the output cannot hold, round what is cast, and say what.")
  var lossy = false

  @Option(help: "The input's format, instead of finding it out.")
  var from: FormatName?

  @Option(help: "The output's format, whatever its extension.")
  var to: FormatName?

  @OptionGroup var writing: WritingOptions

  func validate() throws {
    guard !selection.isEmpty || !transplant.isEmpty || !merge.isEmpty || !add.isEmpty else {
      throw ValidationError("There is nothing to do: name an edit, such as --rename or --delete.")
    }
    guard !inPlace || (output == nil && to == nil && !writing.noClobber) else {
      throw ValidationError(
        "--in-place replaces the input: it takes no output, --to or --no-clobber.")
    }
    guard inPlace || dryRun || output != nil else {
      throw ValidationError("Name the file to write, or replace the input with --in-place.")
    }
  }

  func run() throws {
    var options = writing.readOptions
    // An accepted loss never includes a whole missing file. A file with missing parts is not
    // replaced.
    options.allowsMissingFiles =
      !lossy && !inPlace && !(selection.include.isEmpty && selection.exclude.isEmpty)
    let file = try CheckpointFile.open(input, format: from?.format, options: options)
    for remark in file.remarks { Terminal.complain("note: \(remark)") }
    let format = try outputFormat(of: file)
    let tensors = try edited(file)
    tensors.complain()
    guard !dryRun else { return try report(tensors, format) }
    let target = output ?? input
    let written = try writing.write(
      tensors, to: target, as: format, label: "edit", lossy: lossy)
    Terminal.say(
      "\(target.printable): \(tensors.count) tensors, "
        + ByteCount.text(written) + ", \(tensors.changes.count) changes")
  }

  /// The format to write.
  private func outputFormat(of file: CheckpointFile) throws(CairnError) -> CheckpointFormat {
    guard let output else {
      if let to { return to.format }
      let format = try FormatRegistry.standard.named(file.formatName)
      if inPlace, file.spansFiles {
        throw CairnError(
          .unsupported, "a checkpoint of several files is not replaced in place",
          at: .init(file: input), advice: "Write another, and remove this one then")
      }
      return format
    }
    let files = SystemFileSystem()
    if let one = try? files.resolve(input), let other = try? files.resolve(output), one == other {
      throw CairnError(
        .invalidArgument, "the output is the input", at: .init(file: output),
        advice: "Replace the input with --in-place, or name another file")
    }
    if let to { return to.format }
    return try FormatRegistry.standard.forWriting(output)
  }

  /// The tensors after all edits.
  private func edited(_ file: CheckpointFile) throws(CairnError) -> EditedTensors {
    var tensors = try EditedTensors(file.source)
    try selection.select(&tensors)
    for graft in transplant {
      try tensors.transplant(
        graft.part, of: try open(graft.path), called: graft.path)
    }
    for other in merge {
      try tensors.merge(try open(other.path), prefix: other.prefix, called: other.path)
    }
    for tensor in add {
      try tensors.add(
        tensor.tensor, of: try open(tensor.path), as: tensor.name, called: tensor.path)
    }
    try selection.transform(&tensors, lossy: lossy)
    return tensors
  }

  private func open(_ path: String) throws(CairnError) -> any TensorSource {
    try CheckpointFile.open(path, options: writing.readOptions).source
  }

  /// Says what would be done. Throws where writing would, if the format cannot hold the result.
  private func report(_ tensors: EditedTensors, _ format: CheckpointFormat) throws(CairnError) {
    for change in tensors.changes where !change.isConsequence {
      Terminal.say(change.description.printable)
    }
    if output != nil || inPlace { try format.refuse(tensors, accepting: lossy ? .all : []) }
    Terminal.say("\(tensors.count) tensors would be left; nothing was written")
  }
}

/// `FILE` or `FILE::PATTERN`.
struct FileWithPart: ExpressibleByArgument {
  var path: String
  var part: NamePattern?

  init?(argument: String) {
    let parts = argument.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
    path = String(parts[0])
    guard parts.count > 1 else { return }
    guard let pattern = try? NamePattern(String(parts[1])) else { return nil }
    part = pattern
  }
}

/// `FILE` or `FILE=>PREFIX`.
struct MergedFile: ExpressibleByArgument {
  var path: String
  var prefix = ""

  init?(argument: String) {
    path = argument
    if let (path, prefix) = argument.arrowParts { (self.path, self.prefix) = (path, prefix) }
  }
}

/// `FILE=>NAME` or `FILE::TENSOR=>NAME`.
struct AddedTensor {
  var path: String
  var tensor: TensorName?
  var name: TensorName

  init(_ text: String) throws(CairnError) {
    guard let (file, name) = text.arrowParts else {
      throw CairnError(
        .invalidArgument, "what is to be added has no name",
        expected: "‘file=>name’ or ‘file::tensor=>name’", found: text)
    }
    let parts = file.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
    path = String(parts[0])
    if parts.count > 1 { tensor = try TensorName(String(parts[1])) }
    self.name = try TensorName(name)
  }
}
