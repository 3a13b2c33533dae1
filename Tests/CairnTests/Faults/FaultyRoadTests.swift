// Every road, with every call on files failing once: the first, the second, and so on until a walk
// makes no further call.

import Cairn
import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct FaultyRoadTests {
  /// How a road goes when nothing fails.
  private struct Reference {
    let outcome: [UInt8]
    let target: [UInt8]?
    let names: [String]
    let calls: Set<String>

    init(_ road: Road) throws {
      let site = try RoadSite()
      let files = FaultyFileSystem(mostAtOnce: road.mostAtOnce)
      outcome = try road.go(site, files)
      target = try road.output.flatMap { try site.bytes($0) }
      names = try site.folder.names()
      calls = Set(files.calls)
      if road.output != nil { #expect(target != RoadSite.old && target != nil) }
      #expect(files.openCount == 0 && files.mapCount == 0)
    }
  }

  /// Walks `road` until the fault finds no further call to meet, and checks after each walk what
  /// holds whatever the fault: nothing leaks, nothing is left over, the target is old or new.
  ///
  /// - Parameter isExpected: Whether a walk may end so after that call met the fault.
  private func walk(
    _ road: Road, meeting fault: Fault, _ isExpected: (String, CairnError?) -> Bool
  ) throws {
    let reference = try Reference(road)
    var met: Set<String> = []
    let common = try RoadSite()
    for number in 1... {
      // What only reads leaves the folder as it is for the next walk.
      let site = try road.output == nil ? common : RoadSite()
      let old = try road.output.flatMap { try site.bytes($0) }
      let before = try site.folder.names()
      let files = FaultyFileSystem(failing: number, fault: fault, mostAtOnce: road.mostAtOnce)
      let result = Result { try road.go(site, files) }
      let call = files.failedCall
      func what() -> Comment { "call \(number), \(call ?? "none"): \(result.failure as Any)" }
      #expect(files.openCount == 0, what())
      #expect(files.mapCount == 0, what())
      let target = try road.output.flatMap { try site.bytes($0) }
      let names = try site.folder.names()
      switch result {
      case .success(let outcome):
        #expect(outcome == reference.outcome, what())
        #expect(target == reference.target, what())
        #expect(names == reference.names, what())
        if let call { #expect(isExpected(call, nil), what()) }
      case .failure(let error):
        #expect(target == old || target == reference.target, what())
        #expect(names == (target == old ? before : reference.names), what())
        let error = try #require(error as? CairnError, what())
        #expect(error.location.file?.hasPrefix(site.folder.path) == true, what())
        #expect(isExpected(try #require(call, what()), error), what())
      }
      guard let call else { break }
      met.insert(call)
    }
    // Not one kind of call that the road needs was left out.
    let transfers: Set = ["read", "write"]
    if case .short = fault {
      #expect(met == reference.calls.intersection(transfers))
    } else {
      #expect(met == reference.calls)
    }
  }

  @Test(arguments: Road.all)
  func `A call that fails is an error, and the file is the old or the new one`(
    road: Road
  ) throws {
    try refuse(road, EIO, as: .inputOutput)
    // A disk that is full refuses no reading.
    if road.output != nil { try refuse(road, ENOSPC, as: .noSpace) }
  }

  private func refuse(_ road: Road, _ number: Int32, as code: CairnError.Code) throws {
    try walk(road, meeting: .refused(number)) { call, error in
      guard let error else {
        // What was only read has nothing to lose when it is closed, nor has the folder; a second
        // name that stays for a moment is removed a moment later.
        return call == "close" || call == "unlink"
      }
      let needsOffset = call == "read" || call == "write"
      return error.code == code && (error.location.offset != nil) >= needsOffset
    }
  }

  @Test(arguments: Road.all)
  func `A call that a signal interrupts is made again`(road: Road) throws {
    try walk(road, meeting: .refused(EINTR)) { call, error in
      // Whether the first two were made is unknown, so they are not made twice; the last is none
      // that waits.
      error == nil || ["rename", "link", "mmap"].contains(call)
    }
  }

  @Test(arguments: Road.all)
  func `A change that is made and denied is an error, and the file is the old or the new one`(
    road: Road
  ) throws {
    try walk(road, meeting: .denied(EIO)) { call, error in
      let changes = ["write", "fsync", "chmod", "rename", "link"]
      return error == nil ? !changes.contains(call) : error?.code == .inputOutput
    }
  }

  @Test(arguments: Road.all)
  func `A read or write of one byte is gone on with`(road: Road) throws {
    try walk(road, meeting: .short(1)) { _, error in error == nil }
  }

  @Test(arguments: Road.all)
  func `A read that finds the end too early and a write that takes nothing are errors`(
    road: Road
  ) throws {
    try walk(road, meeting: .short(0)) { call, error in
      error?.code == (call == "read" ? .changedWhileReading : .inputOutput)
        && error?.location.offset != nil
    }
  }

  @Test(arguments: ["coded.cairn", "w.safetensors"])
  func `A file is opened once, so that nobody can put another in between`(name: String) throws {
    let site = try RoadSite()
    let files = FaultyFileSystem()
    var options = ReadOptions()
    options.files = files
    let file = try CheckpointFile.open(site.path(name), options: options)
    try file.verify(.deep)
    #expect(files.calls.filter { $0 == "open" }.count == 1)
  }

  @Test func `The roads use every call there is`() throws {
    var calls: Set<String> = []
    for road in Road.all { calls.formUnion(try Reference(road).calls) }
    // The mode is set only where the user's mask would have taken from it: not here.
    #expect(
      calls == [
        "open", "create", "openFolder", "close", "fstat", "stat", "read", "mmap", "write", "fsync",
        "rename", "link", "unlink", "readlink", "realpath",
      ])
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}

/// Whether what is needed is there.
private func >= (has: Bool, needs: Bool) -> Bool { has || !needs }
