// All roads: saving, converting, copying, loading, verifying, comparing, and the copies in memory.

import Cairn
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

extension Road {
  static let all = saving + converting + loading + checking

  // MARK: - Writing

  private static let saving: [Road] = [
    save("save over a file", "old.cairn"),
    save("save compressed", "old.cairn") { $0.codec = .auto },
    save("save compressed with several threads", "old.cairn") {
      $0.codec = .auto
      $0.threads = 3
    },
    save("save a new file", "new.cairn"),
    save("save what is not to be replaced", "new.cairn") { $0.replacing = false },
    save("save without waiting for the disk", "old.cairn") { $0.durability = .none },
    save("save tensors far apart", "old.cairn") { $0.log2Alignment = 12 },
    Road("save through a symbolic link", writing: "old.cairn") { site, files in
      try RoadSite.model(1).save(to: site.path("link.cairn"), options: writing(files))
      return []
    },
  ]

  private static func save(
    _ name: String, _ output: String,
    _ change: @escaping @Sendable (inout WriteOptions) -> Void = { _ in }
  ) -> Road {
    Road(name, writing: output) { site, files in
      var options = writing(files)
      change(&options)
      try RoadSite.model(1).save(to: site.path(output), options: options)
      // Looked at afterwards, which no refusal concerns: the save is done.
      return try Storage.$gate.withValue(nil) { try Container(path: site.path(output)) }.root?.bytes
        ?? []
    }
  }

  private static let converting: [Road] = [
    convert("convert safetensors to cairn", "w.safetensors", "old.cairn"),
    convert("convert cairn to safetensors", "raw.cairn", "old.safetensors", weightsOnly: true),
    convert("convert safetensors onto itself, mapped", "w.safetensors", "w.safetensors", .mapped),
    convert("convert cairn onto itself, mapped", "raw.cairn", "raw.cairn", .mapped),
    Road("copy and compare", writing: "old.cairn") { site, files in
      let original = try open("coded.cairn", site, files)
      var sink = try CheckpointFormat.cairn.writer(
        to: site.path("old.cairn"), options: writing(files))
      try sink.write(original.source)
      let copy = try open("old.cairn", site, files)
      let report = try compare(original.source, copy.source)
      #expect(report.isSame)
      return Array(report.text.utf8)
    },
  ]

  private static func convert(
    _ name: String, _ input: String, _ output: String, _ access: FileAccess = .positioned,
    weightsOnly: Bool = false
  ) -> Road {
    Road(name, writing: output) { site, files in
      let input = try open(input, site, files, access)
      let format = try FormatRegistry.standard.forWriting(output)
      var sink: any TensorSink = try format.writer(to: site.path(output), options: writing(files))
      if weightsOnly {
        // What else the container has safetensors cannot hold.
        sink = try CheckpointFormat.safetensors.writer(
          to: site.path(output), options: writing(files), accepting: .all)
      }
      try sink.write(input.source)
      return []
    }
  }

  // MARK: - Reading

  private static let loading: [Road] = FileAccess.allCases.flatMap { access in
    [
      Road("load a model, \(access)") { site, files in
        let model = try Model.load(
          from: site.path("raw.cairn"), options: reading(files, access))
        return try fingerprint(ModelTensors(model))
      },
      Road("load a large model with several threads, \(access)", atOnce: 40_000) { site, files in
        var options = reading(files, access)
        options.threads = 3
        let model = try Model.load(from: site.path("large.cairn"), options: options)
        return try fingerprint(ModelTensors(model))
      },
      onto("load weights onto a live model, \(access)") { model, site, files in
        try model.loadWeights(from: site.path("coded.cairn"), options: reading(files, access))
      },
      onto("load safetensors onto a live model, \(access)") { model, site, files in
        try model.loadWeights(from: open("w.safetensors", site, files, access).source)
      },
      Road("read tensors into memory, \(access)") { site, files in
        try fingerprint(NamedTensors(reading: open("w.safetensors", site, files, access).source))
      },
      Road("read a part of a tensor, \(access)", atOnce: 40_000) { site, files in
        let container = try Container(
          path: site.path("large.cairn"), options: reading(files, access))
        let index = try #require(try container.index(of: "road/first/kernel"))
        var bytes = [UInt8](repeating: 0, count: 3_000)
        var span = bytes.mutableSpan
        // Across the boundary of two chunks.
        try container.read(at: index, from: 64_000, into: &span)
        return bytes
      },
    ]
  }

  /// A road that changes a live model; one that fails must have left it as it was.
  private static func onto(
    _ name: String,
    _ load: @escaping @Sendable (Sequential, RoadSite, any FileSystem) throws -> Void
  ) -> Road {
    Road(name) { site, files in
      let live = try RoadSite.model(2)
      let before = try outsideOfGates { try fingerprint(ModelTensors(live)) }
      do { try load(live, site, files) } catch {
        let after = try outsideOfGates { try fingerprint(ModelTensors(live)) }
        #expect(after == before, "\(name) has changed the model and failed")
        throw error
      }
      return try fingerprint(ModelTensors(live))
    }
  }

  private static let checking: [Road] = FileAccess.allCases.flatMap { access in
    [
      Road("verify, \(access)") { site, files in
        try open("coded.cairn", site, files, access).verify(.structure)
        return []
      },
      Road("verify in depth, \(access)") { site, files in
        try open("coded.cairn", site, files, access).verify(.deep)
        return []
      },
      Road("verify safetensors in depth, \(access)") { site, files in
        try open("w.safetensors", site, files, access).verify(.deep)
        return []
      },
      Road("compare tensors, \(access)") { site, files in
        let report = try compare(
          open("coded.cairn", site, files, access).source,
          open("raw.cairn", site, files, access).source)
        #expect(report.isSame)
        return Array(report.text.utf8)
      },
      Road("compare bytes, \(access)") { site, files in
        let found = try compareBytes(
          FileBytes(path: site.path("coded.cairn"), access: access, files: files),
          FileBytes(path: site.path("raw.cairn"), access: access, files: files))
        return Array("\(found?.firstOffset ?? -1)".utf8)
      },
    ]
  }

  // MARK: - Memory alone

  static let inMemory: [Road] = [
    Road("deep-copy a model") { _, _ in
      try fingerprint(ModelTensors(RoadSite.model(1).deepCopy()))
    },
    Road("deep-copy tensors, coded") { _, _ in
      var options = WriteOptions()
      options.log2ChunkSize = 16
      return try fingerprint(
        NamedTensors(reading: ModelTensors(RoadSite.model(1))).deepCopy(options: options))
    },
    Road("copy a tensor") { _, _ in
      try Tensor([Float](repeating: 0.5, count: 5_000)).copied().bytes
    },
    Road("clone a model and set its weights") { _, _ in
      let model = try RoadSite.model(1)
      let clone = try model.cloned(seed: 3)
      try clone.setWeights(model.getWeights())
      return try fingerprint(ModelTensors(clone))
    },
  ]

  // MARK: - The options that let the faults in

  private static func writing(_ files: any FileSystem) -> WriteOptions {
    var options = WriteOptions()
    options.threads = 1
    // Unless the road is about it: coding takes longer than all the rest.
    options.codec = .raw
    options.files = files
    return options
  }

  private static func reading(
    _ files: any FileSystem, _ access: FileAccess
  ) -> ReadOptions {
    var options = ReadOptions()
    options.threads = 1
    options.access = access
    options.files = files
    return options
  }

  private static func open(
    _ name: String, _ site: RoadSite, _ files: any FileSystem,
    _ access: FileAccess = .positioned
  ) throws -> CheckpointFile {
    try CheckpointFile.open(site.path(name), options: reading(files, access))
  }
}

/// Runs what belongs to the test and not to what it tests: no memory is refused.
func outsideOfGates<R>(_ body: () throws -> R) rethrows -> R {
  try Storage.$gate.withValue(nil, operation: body)
}
