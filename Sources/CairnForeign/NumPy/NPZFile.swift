// An archive of NumPy arrays as a source of tensors.

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Several arrays of NumPy in a ZIP archive.
  public static let npz = CheckpointFormat(
    name: "npz", extensions: ZipKind.numpyExtensions, lacks: [.ties, .configuration, .metadata],
    recognises: { ZipKind($0) == .numpy },
    open: { (place) throws(CairnError) in
      try NPZFile(place.openFile(), limits: place.options.limits)
    },
    sink: { NumPyWriter(target: $0, form: .npz) })
}

/// A `.npz` file: the members of a ZIP archive that are arrays, by their names without `.npy`.
///
/// The order of weights is that of the archive's directory. Other members are blobs.
package struct NPZFile: TableSource {
  let table: TensorTable
  private let archive: ZipArchive
  /// Blobs are the members that are not arrays. Opaque items are arrays of types that are not read,
  /// such as of Python objects.
  package let attachments: Attachments

  /// Bytes of the file.
  package var fileByteCount: Int { archive.source.count }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: what is wrong with the archive: `invalidArchive`, `invalidPath`, `duplicateName`,
  ///   `unsupported`, `truncated`; and what is wrong with an array, as ``NPYFile/init(_:)``, with
  ///   the array's name.
  package init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    do throws(CairnError) {
      let archive = try ZipArchive(
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
          // An offset within a member counts in the member's content, not in the file.
          throw error.located(name: member.name)
        }
      }
      self.table = table
      self.archive = archive
      let members = others.sorted { $0.name < $1.name }
      attachments = Attachments(
        blobs: archive.blobs(members) { () throws(CairnError) in
          try Self.checkOthers(members.map(\.member), in: archive)
        }, opaqueItems: opaque.items)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// The member as a tensor; nil if it is not an array.
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

  /// The most bytes of a member that may be held at once. A deflated member has more bytes than the
  /// file holds for it.
  private static func mostHeld(of member: ZipMember) -> Int {
    member.method == .deflated
      ? member.storedByteCount.allowance(times: 16, plus: 32 << 20) : .max
  }

  /// The checksums of the archive.
  package var checksums: String? { "the CRC-32 of every member" }

  /// The member's name without `.npy`.
  private static func name(of member: ZipMember) -> [UInt8] {
    member.name.spellingEnds(with: ZipKind.arraySuffix)
      ? Array(member.name.utf8.dropLast(ZipKind.arraySuffix.utf8.count)) : Array(member.name.utf8)
  }

  /// Errors of one array alone that NumPy can read: a name or texts that cannot be kept here. The
  /// array becomes an opaque item, and the rest is read.
  private static let hidesNothing: [CairnError.Code] = [
    .invalidName, .duplicateName, .invalidElement, .overBudget,
  ]

  /// The path under which a member that is not read is listed.
  private static func path(of member: ZipMember) -> [UInt8] {
    let name = name(of: member)
    return name.isEmpty ? Array(member.name.utf8) : name
  }

  /// Refuses members that together are far larger than the file.
  ///
  /// - Throws: `overBudget`.
  private static func checkOthers(
    _ others: [ZipMember], in archive: ZipArchive
  ) throws(CairnError) {
    let budget = Budget(
      bytes: archive.source.count.allowance(times: 8, plus: 16 << 20),
      for: "what the archive holds beside arrays",
      advice: "If the file is not hostile, accept that it is left out", remedies: [.acceptLoss])
    for other in others { try budget.take(bytes: other.byteCount) }
  }

  /// Checks every member against its CRC-32; deep, also every element.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    try archive.checkContents(progress)
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}

/// The beginning of a member, for its header. It is read without checking the CRC, which covers the
/// whole member: opening the file would otherwise read every array.
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
