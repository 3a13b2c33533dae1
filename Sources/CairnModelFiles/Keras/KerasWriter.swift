// Writing `.keras` and `.weights.h5` so that Keras 3 can load them and Cairn gets everything back.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors

/// Writes all tensors of a source into a file of Keras.
///
/// Each tensor is where Keras looks for it. If its own name or its place in the order of weights
/// differs from that, an attribute of the dataset says so (`cairn_name`, `cairn_position`). Further
/// names of a tensor are in `cairn_aliases`. Keras ignores these attributes.
struct KerasWriter: TensorSink {
  /// The attribute for the compilation settings of a model whose configuration had to be rewritten.
  private static let compileKey: TensorName = "compile_config"

  /// A whole model, or weights alone.
  enum Form { case model, weights }

  let target: WriteTarget
  let form: Form

  /// What goes into a file.
  private struct Contents {
    var datasets: [HDF5WrittenDataset]
    var plan: HDF5Plan
    var configuration: [UInt8]
    var metadata: [UInt8]
    var blobs: [Blob]
  }

  /// Writes the file. An existing file stays untouched until the new one is complete.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless its loss is accepted;
  ///   `invalidConfiguration`, `unknownLayerClass` and similar errors for a model that Cairn cannot
  ///   build, since then it does not know where Keras keeps the weights.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    let format: CheckpointFormat = form == .model ? .keras : .hdf5
    try format.refuse(source, accepting: target.losses)
    let contents = try contents(of: source)
    let total = contents.datasets.reduce(0) { $0.addingSaturated($1.byteCount) }
    var count = ProgressCount(of: total)
    return try target.write { (file) throws(CairnError) in
      guard form == .model else {
        let gathered = GatheredFile(file)
        try Self.write(contents, of: source, &count, progress) { (part) throws(CairnError) in
          try gathered.append(part)
        }
        return try gathered.flush()
      }
      // Stored, as Keras does it, so that the weights can be read in place.
      var archive = ZipWriter(file, compresses: false)
      try archive.add(KerasMember.metadata) { (put) throws(CairnError) in
        try put(contents.metadata.span)
      }
      try archive.add(KerasMember.configuration) { (put) throws(CairnError) in
        try put(contents.configuration.span)
      }
      try archive.add(KerasMember.weights) { (put) throws(CairnError) in
        try Self.write(contents, of: source, &count, progress, to: put)
      }
      for blob in contents.blobs {
        try archive.add(blob.name.string) { (put) throws(CairnError) in try put(blob.bytes.span) }
      }
      try archive.finish()
    }
  }

  /// The key-values that no attribute can hold, each as a loss named by its key.
  @Sendable static func lostMetadata(of source: any TensorSource) -> [FormatLoss] {
    var losses: [FormatLoss] = []
    for (key, value) in source.metadata {
      guard let reason = HDF5Encoding.reason(against: key.string, value) else { continue }
      losses.append(FormatLoss(kind: .metadata, what: reason, name: key))
    }
    return losses
  }

  private func contents(of source: any TensorSource) throws(CairnError) -> Contents {
    var configuration = source.configuration ?? []
    var kept: (key: TensorName, value: MetadataValue)?
    if form == .model {
      guard let value = try source.parsedConfiguration()?.value else {
        throw CairnError(
          .cannotHold, "a .keras file holds a model, and there is no configuration of one",
          advice: "Write a .weights.h5 file")
      }
      if KerasConfiguration.isLegacy(value, of: source) {
        guard target.losses.contains(.configuration) else {
          throw CairnError(
            .cannotHold, "keras has no place for a configuration of an older Keras",
            advice: "Accept the loss of its configuration: it is written in the form of Keras 3",
            remedies: [.acceptLoss])
        }
        guard !KerasConfiguration.hasOlderActivation(value, of: source) else {
          throw CairnError(
            .cannotHold,
            "Keras 3 computes hard_sigmoid in another way than the Keras that wrote the model",
            expected: "a model without hard_sigmoid", advice: "Write a .cairn file")
        }
        // The configuration of the model that is made has the shapes of all tensors, which Keras 3
        // requires.
        let limits = try ModelLimits().filled(by: source, budget: .max)
        configuration = try KerasConfiguration.model(value, of: source, limits: limits)
          .canonicalConfiguration().text
        // The compilation settings are kept as an attribute, as in a whole model's HDF5 file.
        if let compile = value["compile_config"], !compile.isNull, compile.objectValue?.count != 0 {
          kept = (Self.compileKey, .string(compile.description))
        }
      }
    }
    let layout = try KerasLayout(of: source, needsModel: form == .model)
    var metadata: [(path: String, name: String, value: MetadataValue)] = []
    var about: [(String, String)] = []
    var pairs = source.metadata
    if let kept, pairs[kept.key] == nil { pairs[kept.key] = kept.value }
    for (key, value) in pairs {
      let parts = key.utf8.split(
        separator: UInt8(ascii: "@"), maxSplits: 1, omittingEmptySubsequences: false
      ).map { String(decoding: $0, as: UTF8.self) }
      if form == .model, ["keras_version", "date_saved"].contains(ByteKey(key.utf8)),
        case .string(let text) = value
      {
        about.append((key.string, text))
        continue
      }
      let isOfObject =
        parts.count == 2 && HDF5Encoding.canName(parts[1]) && layout.canHoldAttributes(parts[0])
      let attribute = isOfObject ? (parts[0], parts[1], value) : ("", key.string, value)
      // A value that an attribute can hold is kept, even if losses are accepted.
      if target.losses.contains(.metadata), !HDF5Encoding.canHold(attribute.1, value) { continue }
      metadata.append(attribute)
    }
    var datasets = layout.datasets
    let numbers = Dictionary(
      datasets.enumerated().map { (ByteKey($1.path), $0) }, uniquingKeysWith: { first, _ in first })
    metadata.removeAll { attribute in
      guard let number = numbers[ByteKey(attribute.path)] else { return false }
      datasets[number].attributes.append((attribute.name, attribute.value))
      return true
    }
    let blobs = try form == .model ? source.blobs : []
    for blob in blobs {
      let known = [KerasMember.metadata, KerasMember.configuration, KerasMember.weights]
      guard !known.contains(where: { blob.name.string.isSpelt(as: $0) }),
        ZipName.staysInside(blob.name.string), blob.name.utf8.last != UInt8(ascii: "/")
      else {
        throw CairnError(
          .cannotHold, "keras has no place for a blob of that name",
          at: .init(name: blob.name.string), advice: "Accept the loss of blobs",
          remedies: [.acceptLoss])
      }
    }
    return Contents(
      datasets: datasets, plan: try HDF5Plan(datasets, attributes: metadata),
      configuration: configuration, metadata: try KerasConfiguration.about(about), blobs: blobs)
  }

  private static func write(
    _ contents: Contents, of source: any TensorSource, _ count: inout ProgressCount,
    _ progress: ProgressHandler, to put: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    var window = ByteWindow()
    for part in contents.plan.parts {
      switch part {
      case .bytes(let bytes): try put(bytes.span)
      case .elements(let number):
        let dataset = contents.datasets[number]
        try source.pass(0..<dataset.byteCount, of: dataset.index, through: &window) {
          (part) throws(CairnError) in
          try put(part)
          try count.add(part.count, progress)
        }
      }
    }
  }
}
