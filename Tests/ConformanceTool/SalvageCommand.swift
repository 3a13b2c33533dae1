// `cairn-conformance salvage`: what Tests/Conformance/run.py asks of a salvager.

import ArgumentParser
import CairnCheckpoints
import CairnConformance
import CairnContainer
import CairnJSON
import CairnSystem

struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage", abstract: "Print what is intact in a damaged container.",
    discussion: """
      Prints the machine form of FORMAT.md, appendix A. What is recovered is first written as a \
      container, which must be valid. Exit status 1: refused; 2: cannot be read.
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
      let salvage = try Salvage(bytes)
      let copy = try Container(Container.encode(salvage.recovered))
      _ = try copy.verify(.deep)
      let report: JSONValue = [
        "content": try contentReport(of: copy), "lost": .array(salvage.losses.map(\.json)),
      ]
      Console.say(try? report.text(.pretty))
    } catch {
      Console.complain("\(error.code.name): \(error)")
      throw ExitCode(1)
    }
  }
}
