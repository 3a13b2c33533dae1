// The executable `cairn`: parses, runs, and turns every failure into one line and an exit code.

import ArgumentParser
import CairnForeign
import CairnSystem
import CairnTerminal

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Ends the command without a further message, since everything has been said.
struct Finished: Error {
  var code: Int32
}

@main
struct Cairn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract:
      "Inspect, verify, compare, copy, convert, edit and salvage checkpoints of machine-learning models.",
    discussion: """
      EXAMPLE
        cairn convert model.safetensors model.cairn
        cairn verify --deep model.cairn
        cairn diff model.safetensors model.cairn

      EXIT STATUS
        0  done, or the same
        1  different (diff), or invalid (verify)
        2  any other failure
      """,
    version: cairnVersion,
    subcommands: [
      InfoCommand.self, VerifyCommand.self, DiffCommand.self, ConvertCommand.self,
      CopyCommand.self, EditCommand.self, CloneCommand.self, PredictCommand.self,
      ModelsCommand.self, SalvageCommand.self, DemoCommand.self,
    ])

  static func main() {
    Interruption.watch()
    do {
      var command = try parseAsRoot(arguments())
      try command.run()
    } catch {
      finish(error)
    }
  }

  /// The words of the command line. Swift's own list replaces bytes that are not UTF-8, so a path
  /// with such bytes would name another file.
  private static func arguments() -> [String] {
    var words: [String] = []
    // SAFETY: the system gives `argc` NUL-terminated words, which live as long as the process.
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let word = unsafe CommandLine.unsafeArgv[index] else { break }
      let bytes = unsafe UnsafeRawBufferPointer(start: word, count: strlen(word))
      words.append(SystemPath.text(unsafe Array(bytes)))
    }
    return words
  }

  private static func finish(_ error: any Error) -> Never {
    switch error {
    case let finished as Finished:
      leave(finished.code)
    case let error as CairnError:
      Terminal.complain(error.withOptions.description)
      leave(Exit.failure)
    default:
      // Help and the version come as errors too, with an exit code of success.
      let message = fullMessage(for: error)
      if exitCode(for: error).isSuccess {
        Terminal.say(message)
        leave(Exit.success)
      }
      // Every message of a failure begins with the program's name, those of the parser too.
      let prefix = "Error: "
      let text = message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
      Terminal.write("cairn: \(text.printableLines)\n", to: .error)
      leave(Exit.failure)
    }
  }
}
