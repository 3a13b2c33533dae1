// Cairn's side of the benchmarks: stays alive, takes one command a line on standard input, a JSON
// object, and answers each with one line: what it measured, or an error. `Benchmarks/run.py` drives
// it. Beside the public interface it uses the container's own reader and writer (Package.swift says how).

import CMeasure
import Cairn

@main
struct Main {
  static func main() async {
    cm_line_buffered()
    var bench = Bench()
    while let line = readLine() {
      var answer: JSONObject
      do {
        let command = try Command(line: line)
        answer =
          try command.string("op") == "ticker"
          ? await Ticker.run(command) : bench.run(command)
      } catch {
        answer = ["error": .string("\(error)")]
      }
      print((try? JSONValue.object(answer).text(.canonical)) ?? #"{"error": "no JSON"}"#)
    }
  }
}
