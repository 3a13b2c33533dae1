// `cairn-conformance detect`: whether any damage slips past verification.

import ArgumentParser
import CairnCheckpoints
import CairnConformance
import CairnContainer
import CairnJSON
import CairnSystem
import Foundation

struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Damage valid containers in memory and count what `verify` does not notice.",
    discussion: """
      Of each file every bit is flipped, every truncation tried, every two neighbouring frames \
      swapped, every frame duplicated, removed and written over its neighbour of the same length, as \
      raw copies: nothing is repaired. Bursts are random, from fixed seeds, and spread evenly over \
      the files. What is accepted although its bytes differ is read: with other content it is \
      undetected, and exit status 1 says so; with the same content (notes are none) it is listed.
      """)

  @Argument(help: "Valid containers.")
  var files: [String]

  @Option(help: "How many random bursts to try, over all files.")
  var bursts = 100_000

  @Option(help: "Leave out files of more bytes than this.")
  var largest = 65_536

  /// What became of all cases of a kind.
  private struct Count: Sendable {
    var tried = 0
    var unchanged = 0
    var undetected: [String] = []
    var equal: [String] = []
  }

  func run() throws {
    let specimens = try readSpecimens()
    let jobs = jobs(for: specimens)
    let counts = Lock([Damage.Kind: Count]())
    do throws(CairnError) {
      try inParallel(jobs.count, threads: .all) { (number) throws(CairnError) in
        let job = jobs[number]
        let count = try Self.outcome(of: job, in: specimens[job.file])
        counts.withLock { counts in
          counts[job.kind, default: Count()].tried += count.tried
          counts[job.kind, default: Count()].unchanged += count.unchanged
          counts[job.kind, default: Count()].undetected += count.undetected
          counts[job.kind, default: Count()].equal += count.equal
        }
      }
    } catch {
      Console.complain(error.description)
      throw ExitCode(2)
    }
    try report(counts.withLock { $0 }, specimens)
  }

  private func readSpecimens() throws -> [Specimen] {
    var specimens: [Specimen] = []
    for file in files.sorted() {
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
      guard bytes.count <= largest else { continue }
      guard try !Self.isDetected(bytes) else {
        Console.complain("\(file) is not valid to begin with")
        throw ExitCode(2)
      }
      specimens.append(Specimen(name: URL(filePath: file).lastPathComponent, bytes: bytes))
    }
    return specimens
  }

  /// All cases, cut into parts that take about as long.
  private func jobs(for specimens: [Specimen]) -> [Damage] {
    var jobs: [Damage] = []
    for kind in Damage.Kind.allCases {
      for (file, specimen) in specimens.enumerated() {
        let share = bursts / specimens.count + (file < bursts % specimens.count ? 1 : 0)
        let count = specimen.caseCount(kind, bursts: share)
        for start in stride(from: 0, to: count, by: 4_096) {
          jobs.append(Damage(kind: kind, file: file, cases: start..<min(count, start + 4_096)))
        }
      }
    }
    return jobs
  }

  private static func outcome(of job: Damage, in specimen: Specimen) throws(CairnError) -> Count {
    var count = Count()
    for number in job.cases {
      guard let damaged = specimen.damaged(job.kind, number, file: job.file) else {
        count.unchanged += 1
        continue
      }
      count.tried += 1
      if try !isDetected(damaged) {
        let place = "\(specimen.name): \(job.kind.rawValue), case \(number)"
        if try content(of: damaged) == content(of: specimen.bytes) {
          count.equal.append(place)
        } else {
          count.undetected.append(place)
        }
      }
    }
    return count
  }

  /// Whether opening or verifying the bytes fails; a failure of the machine is no detection.
  private static func isDetected(_ bytes: [UInt8]) throws(CairnError) -> Bool {
    let source = try MemoryBytes(bytes)
    do throws(CairnError) {
      var options = ReadOptions()
      options.threads = 1
      _ = try Container(source, options: options).verify()
      return false
    } catch {
      guard error.code != .outOfMemory else { throw error }
      return true
    }
  }

  /// What the bytes hold, read without verifying them first; nil if they cannot be read.
  private static func content(of bytes: [UInt8]) throws(CairnError) -> JSONValue? {
    let source = try MemoryBytes(bytes)
    do throws(CairnError) { return try contentReport(of: Container(source)) } catch { return nil }
  }

  private func report(_ counts: [Damage.Kind: Count], _ specimens: [Specimen]) throws {
    let bytes = specimens.reduce(0) { $0 + $1.bytes.count }
    Console.say("\(specimens.count) files, \(bytes) bytes")
    var undetected: [String] = []
    var equal: [String] = []
    var tried = 0
    for kind in Damage.Kind.allCases {
      let count = counts[kind] ?? Count()
      let same = count.unchanged > 0 ? ", \(count.unchanged) that change nothing left out" : ""
      Console.say(
        "\(kind.rawValue): \(count.tried) tried, \(count.undetected.count) undetected\(same)")
      undetected += count.undetected
      equal += count.equal
      tried += count.tried
    }
    for one in equal.sorted() { Console.say("accepted, with the same content: \(one)") }
    for one in undetected.sorted() { Console.say("UNDETECTED \(one)") }
    Console.say(
      "\(tried) damaged files, \(tried - undetected.count - equal.count) detected, "
        + "\(equal.count) accepted with the same content, \(undetected.count) undetected")
    guard undetected.isEmpty else { throw ExitCode(1) }
  }
}
