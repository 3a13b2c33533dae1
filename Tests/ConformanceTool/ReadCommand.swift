// `cairn-conformance read`: what Tests/Conformance/run.py asks of a reader.

import ArgumentParser
import CairnCheckpoints
import CairnConformance
import CairnContainer
import CairnJSON
import CairnSystem

struct ReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Print what a container holds, or where it is invalid.",
    discussion: """
      Checks the file at level verify deep, then reads everything, with positioned reads and mapped. \
      Exit status 1: invalid, with “code at offset” on standard error; 2: cannot be read.
      """)

  @Argument(help: "The container.")
  var file: String

  func run() throws {
    let bytes: FileBytes
    do throws(CairnError) { bytes = try FileBytes(path: file) } catch {
      Console.complain(error.description)
      throw ExitCode(2)
    }
    do throws(CairnError) {
      let container = try Container(bytes)
      _ = try container.verify(.deep)
      let report = try contentReport(of: Container(path: file))
      var options = ReadOptions()
      options.access = .mapped
      guard try contentReport(of: Container(path: file, options: options)) == report else {
        Console.complain("mapped, the file holds something else than read piece by piece")
        throw CairnError(.changedWhileReading, "two ways of reading differ")
      }
      Console.say(try? report.text(.pretty))
    } catch {
      let offset = error.location.offset.map { "\($0)" } ?? "nowhere"
      Console.complain("\(error.code.name) at \(offset): \(error)")
      throw ExitCode(1)
    }
  }
}
