// Salvage meets faults otherwise than all else: what the system cannot read is lost, not an error.

import Cairn
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct FaultySalvageTests {
  /// Salvages `coded.cairn` to `old.cairn`.
  private func salvage(_ site: RoadSite, _ files: any FileSystem) throws -> Salvage {
    var options = SalvageOptions()
    options.reading.threads = 1
    options.reading.files = files
    let salvage = try Salvage(path: site.path("coded.cairn"), options: options)
    var writing = WriteOptions()
    writing.threads = 1
    writing.codec = .raw
    writing.files = files
    try Container.write(salvage.recovered, to: site.path("old.cairn"), options: writing)
    return salvage
  }

  @Test(arguments: [EIO, ENOSPC, EINTR])
  func `Whatever call fails, what is salvaged is right, or there is an error`(
    number: Int32
  ) throws {
    let intact = try RoadSite()
    let original = try Container(path: intact.path("coded.cairn"))
    var met: Set<String> = []
    for call in 1... {
      let site = try RoadSite()
      let names = try site.folder.names()
      let files = FaultyFileSystem(failing: call, with: number, mostAtOnce: 1_500)
      do {
        let salvage = try salvage(site, files)
        // What is not there is named.
        #expect(
          salvage.recovered.count == original.count || !salvage.losses.isEmpty, "call \(call)")
        if number == EINTR { #expect(salvage.losses.isEmpty, "call \(call)") }
        let container = try Container(path: site.path("old.cairn"))
        _ = try container.verify(.deep)
        for index in 0..<container.count {
          let name = try container.entry(at: index).name
          let there = try #require(try original.index(of: name))
          #expect(try container.tensor(at: index) == original.tensor(at: there), "call \(call)")
        }
      } catch let error as CairnError {
        #expect(files.hasFailed && error.location.file != nil, "call \(call): \(error)")
        // The folder's fsync comes after the rename.
        let isPlaced = files.calls.contains("rename") && files.failedCall != "rename"
        #expect(try (site.bytes("old.cairn") == RoadSite.old) == !isPlaced, "call \(call)")
      }
      #expect(files.openCount == 0, "call \(call)")
      #expect(try site.folder.names() == names, "call \(call)")
      guard let call = files.failedCall else { break }
      met.insert(call)
    }
    #expect(
      met.isSuperset(of: ["open", "fstat", "read", "create", "write", "fsync", "rename", "close"]))
  }
}
