// An archive of NumPy arrays as a source of tensors.

public import CairnCheckpoints
import CairnContainer
public import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Several arrays of NumPy in a ZIP archive.
  public static let npz = CheckpointFormat(
    name: "npz", extensions: ZipKind.numpyExtensions, lacks: [.ties, .configuration, .metadata],
    recognises: { ZipKind($0) == .numpy },
    open: { (place) throws(CairnError) in
      try NPZFile(place.openFile(), limits: place.options.limits)
    },
    sink: { path, options, losses in
      NumPyWriter(path: path, form: .npz, options: options, accepting: losses)
    })
}

/// A `.npz` file: the members of a ZIP archive that are arrays, by their names without `.npy`.
///
/// The order of weights is that of the archive's directory. Members that are no arrays are blobs.
public struct NPZFile: TableSource {
  let table: TensorTable
  private let archive: ZipArchive
  private let others: [(name: TensorName, member: ZipMember)]
  /// Arrays of types that are not read, such as of Python objects.
  public let opaqueItems: [OpaqueItem]

  /// Bytes of the file.
  public var fileByteCount: Int { archive.source.count }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: what is wrong with the archive: `invalidArchive`, `invalidPath`, `duplicateName`,
  ///   `unsupported`, `truncated`; and with its arrays, as ``NPYFile/init(_:)``, by their names.
  public init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    do throws(CairnError) {
      archive = try ZipArchive(
        source, memberLimit: min(limits.tensorCount, 1 << 20), tolerance: .numpy)
      var table = TensorTable(path: source.path)
      var others: [(name: TensorName, member: ZipMember)] = []
      let viewed = ViewedBytes()
      let budget = Budget.index(ofFile: source.count)
      var opaque = OpaqueItems()
      for (key, member) in archive.members.enumerated() {
        do throws(CairnError) {
          if let item = try Self.item(member, in: archive, viewed, key, budget) {
            try table.add(item)
          } else {
            guard member.byteCount <= limits.blobByteCount else {
              throw CairnError(
                .limitExceeded, "a member that is no array is larger than is allowed",
                expected: "at most \(limits.blobByteCount) bytes", found: "\(member.byteCount)")
            }
            others.append((try TensorName(member.name), member))
          }
        } catch  where error.code == .unsupported || error.code == .unknownDType {
          try opaque.add(Self.path(of: member), error.found ?? "array", error.message)
        } catch  where Self.hidesNothing.contains(error.code) {
          try opaque.add(Self.path(of: member), "array", error.message)
        } catch {
          // Offsets within a member are its content's.
          throw error.located(name: member.name)
        }
      }
      self.table = table
      self.others = others.sorted { $0.name < $1.name }
      opaqueItems = opaque.items
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// The member as a tensor; nil if it is no array.
  private static func item(
    _ member: ZipMember, in archive: ZipArchive, _ viewed: ViewedBytes, _ key: Int,
    _ budget: Budget
  ) throws(CairnError) -> TensorTable.Item? {
    let content = archive.content(of: member)
    let head = try content.beginning(NPYHeader.magic.count)
    guard head == NPYHeader.magic else { return nil }
    let header = try NPYHeader(
      BeginningOfMember(content, limit: NPYHeader.maximumByteCount + 12))
    var item = NPYFile.item(
      try TensorName(utf8: name(of: member)), header,
      try header.elements(
        of: content, viewed: viewed, key: key, budget: budget, mostHeld: mostHeld(of: member)))
    if member.method == .deflated {
      item.codec = member.method.name
      item.storedByteCount = member.storedByteCount
    }
    return item
  }

  /// The bytes of a member that may be held at once: a deflated one's are not in the file.
  private static func mostHeld(of member: ZipMember) -> Int {
    guard member.method == .deflated else { return .max }
    let (scaled, over) = member.storedByteCount.multipliedReportingOverflow(by: 16)
    let (most, overflow) = scaled.addingReportingOverflow(32 << 20)
    return over || overflow ? .max : most
  }

  /// Those of the archive.
  public var checksums: String? { "the CRC-32 of every member" }

  /// The member's name without `.npy`.
  private static func name(of member: ZipMember) -> [UInt8] {
    member.name.spellingEnds(with: ZipKind.arraySuffix)
      ? Array(member.name.utf8.dropLast(ZipKind.arraySuffix.utf8.count)) : Array(member.name.utf8)
  }

  /// What concerns one array alone, which NumPy itself reads: a name or texts that have no place here.
  private static let hidesNothing: [CairnError.Code] = [
    .invalidName, .duplicateName, .invalidElement, .overBudget,
  ]

  /// The path under which a member is named that is not read.
  private static func path(of member: ZipMember) -> [UInt8] {
    let name = name(of: member)
    return name.isEmpty ? Array(member.name.utf8) : name
  }

  /// Names and sizes of the members that are no arrays.
  public var blobEntries: [BlobEntry] {
    get throws(CairnError) {
      others.map { BlobEntry(name: $0.name, byteCount: $0.member.byteCount) }
    }
  }

  /// The members that are no arrays.
  ///
  /// - Throws: `overBudget` if they are together far larger than the file.
  public var blobs: [Blob] {
    get throws(CairnError) {
      let (scaled, over) = archive.source.count.multipliedReportingOverflow(by: 8)
      let (most, overflow) = scaled.addingReportingOverflow(16 << 20)
      let budget = Budget(
        bytes: over || overflow ? .max : most, for: "what the archive holds beside arrays",
        advice: "Accept that it is left out (--lossy), or the file is hostile")
      for other in others { try budget.take(bytes: other.member.byteCount) }
      return try others.map { (other) throws(CairnError) in
        Blob(name: other.name, bytes: try archive.bytes(of: other.member))
      }
    }
  }

  /// Checks every member against its CRC-32; deep, also every element.
  public func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    try archive.checkContents(progress)
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}

/// The beginning of a member, for its header: read without the check of the whole that its CRC needs,
/// which would read every array when the file is opened.
struct BeginningOfMember: ByteSource {
  private let bytes: MemoryBytes

  init(_ content: ZipContent, limit: Int) throws(CairnError) {
    path = content.path
    bytes = try MemoryBytes(try content.beginning(limit))
  }

  let path: String?
  var count: Int { bytes.count }
  var memory: ByteRegion? { nil }
  func read(at offset: Int, into target: inout MutableSpan<UInt8>) throws(CairnError) {
    try bytes.read(at: offset, into: &target)
  }
}
