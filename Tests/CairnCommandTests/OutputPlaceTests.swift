// Where the output goes: over files, through links, into places that refuse it.

import CairnContainer
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct OutputPlaceTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
  }

  @Test(arguments: ["convert", "copy"])
  func `A file can be written over itself`(command: String) async throws {
    try folder.writeContainer(Samples.plain(), to: "self.cairn")
    let before = try folder.bytes("self.cairn")
    try await cairn(command, "--codec", "auto", "self.cairn", "self.cairn", in: folder)
      .expectSuccess()
    try #expect(folder.bytes("self.cairn") != before)
    try await cairn("verify", "--deep", "self.cairn", in: folder).expectSuccess()
    try await cairn("diff", "plain.safetensors", "self.cairn", in: folder).expectSuccess()
    #expect(try folder.names() == ["plain.safetensors", "self.cairn"])
  }

  @Test func `A file can be written over itself in the other format`() async throws {
    try folder.writeContainer(Samples.plain(), to: "self.bin")
    try await cairn("convert", "--to", "safetensors", "self.bin", "self.bin", in: folder)
      .expectSuccess()
    try #expect(folder.bytes("self.bin") == folder.bytes("plain.safetensors"))
  }

  @Test func `A folder is not replaced`() async throws {
    try folder.makeFolder("folder.cairn")
    try await cairn("convert", "plain.safetensors", "folder.cairn", in: folder)
      .expectFailure("notARegularFile")
    try await cairn("convert", "--to", "cairn", "plain.safetensors", "folder.cairn/", in: folder)
      .expectFailure("notARegularFile")
    try await cairn("convert", "--to", "cairn", "plain.safetensors", ".", in: folder)
      .expectFailure("notARegularFile")
    #expect(try folder.names() == ["folder.cairn", "plain.safetensors"])
    #expect(try folder.names(in: "folder.cairn") == [])
  }

  @Test func `A device or a pipe is not replaced`() async throws {
    for device in ["/dev/null", "/dev/full"] {
      try await cairn("convert", "--to", "cairn", "plain.safetensors", device, in: folder)
        .expectFailure("notARegularFile")
    }
    let device = try FileManager.default.attributesOfItem(atPath: "/dev/null")
    #expect(device[.type] as? FileAttributeType == .typeCharacterSpecial)
    let pipe = try await shell(
      """
      mkfifo pipe.cairn && "$CAIRN" convert plain.safetensors pipe.cairn
      status=$?; test -p pipe.cairn || exit 99; exit $status
      """, in: folder)
    pipe.expectFailure("notARegularFile")
  }

  @Test func `A folder that is not there is not made`() async throws {
    try await cairn("convert", "plain.safetensors", "absent/out.cairn", in: folder)
      .expectFailure("notFound")
    try await cairn("convert", "plain.safetensors", "plain.safetensors/out.cairn", in: folder)
      .expectFailure("notFound")
    #expect(try folder.names() == ["plain.safetensors"])
  }

  @Test(.enabled(if: Privileges.bindsToPermissions, "permissions do not bind root"))
  func `A folder that may not be written to is left alone`() async throws {
    try folder.makeFolder("locked")
    try folder.write([1, 2, 3], to: "locked/old.cairn")
    try folder.setMode("locked", 0o555)
    for name in ["old.cairn", "new.cairn"] {
      let run = try await cairnAsOrdinaryUser(
        "convert", "plain.safetensors", "locked/\(name)", in: folder)
      run.expectFailure("permissionDenied")
    }
    #expect(try folder.names(in: "locked") == ["old.cairn"])
    #expect(try folder.bytes("locked/old.cairn") == [1, 2, 3])
    try folder.setMode("locked", 0o755)
  }

  @Test(.enabled(if: Privileges.mountingWords != nil, "no file system can be mounted here"))
  func `A file system that is mounted read-only is left alone`() async throws {
    try folder.makeFolder("disk")
    let run = try await execute(
      "/usr/bin/env",
      try #require(Privileges.mountingWords) + [
        "bash", "-c",
        """
        mount -t tmpfs -o size=256k none disk && printf old > disk/old.cairn || exit 99
        mount -o remount,ro none disk || exit 99
        "$CAIRN" convert plain.safetensors disk/old.cairn
        status=$?
        echo $(ls -A disk) $(cat disk/old.*)
        exit $status
        """,
      ], in: folder, environment: ["CAIRN": BuiltCommand.path])
    #expect(run.status == 2)
    run.expectComplaint("permissionDenied")
    #expect(run.output == "old.cairn old\n")
  }

  @Test(
    .disabled(
      if: ProcessInfo.processInfo.environment["CAIRN_TEST_SANITIZER"] == "thread",
      "the sanitizer's runtime writes a file of its own, and dies of the limit"))
  func `A limit on the size of files is an error, not a death`() async throws {
    try folder.writeSparse(megabytes: 2, to: "large.safetensors")
    try folder.makeFolder("out")
    try folder.write([1, 2, 3], to: "out/old.cairn")
    for output in ["old.cairn", "new.safetensors"] {
      let run = try await shell(
        """
        ulimit -f 256
        env $2 "$CAIRN" convert --codec raw large.safetensors out/$1
        """, output, defaultMeaning(of: "XFSZ").joined(), in: folder)
      run.expectFailure("noSpace", offset: true)
    }
    #expect(try folder.names(in: "out") == ["old.cairn"])
    #expect(try folder.bytes("out/old.cairn") == [1, 2, 3])
  }

  @Test func `A link stays and what it names is replaced, with its mode`() async throws {
    try folder.makeFolder("elsewhere")
    try folder.write([1, 2, 3], to: "elsewhere/real.cairn")
    try folder.setMode("elsewhere/real.cairn", 0o640)
    try folder.link("link.cairn", to: "elsewhere/real.cairn")
    try await cairn("convert", "plain.safetensors", "link.cairn", in: folder).expectSuccess()
    #expect(try folder.linkTarget("link.cairn") == "elsewhere/real.cairn")
    #expect(try folder.mode("elsewhere/real.cairn") == 0o640)
    #expect(try folder.names(in: "elsewhere") == ["real.cairn"])
    try await cairn("verify", "elsewhere/real.cairn", in: folder).expectSuccess()
  }

  @Test func `What a dangling link names is made`() async throws {
    try folder.makeFolder("elsewhere")
    try folder.link("link.cairn", to: "elsewhere/new.cairn")
    try await cairn("convert", "plain.safetensors", "link.cairn", in: folder).expectSuccess()
    #expect(try folder.linkTarget("link.cairn") == "elsewhere/new.cairn")
    try await cairn("verify", "elsewhere/new.cairn", in: folder).expectSuccess()
  }

  @Test func `The input may be a link, and the output what it names`() async throws {
    try folder.writeContainer(Samples.plain(), to: "real.cairn")
    try folder.link("link.cairn", to: "real.cairn")
    try await cairn("copy", "link.cairn", "real.cairn", in: folder).expectSuccess()
    try await cairn("diff", "plain.safetensors", "link.cairn", in: folder).expectSuccess()
  }

  @Test func `A new file has the mode that the user's mask leaves`() async throws {
    let run = try await shell(
      "umask 027 && \"$CAIRN\" convert plain.safetensors new.cairn", in: folder)
    run.expectSuccess()
    #expect(try folder.mode("new.cairn") == 0o640)
  }

  @Test func `Names need not be simple`() async throws {
    for name in ["two words.cairn", "-dash.cairn", "Übergröße.cairn", "$HOME;x.cairn", ".cairn"] {
      try await cairn("convert", "--", "plain.safetensors", name, in: folder).expectSuccess()
      try await cairn("verify", "--", name, in: folder).expectSuccess()
    }
    let long = String(repeating: "n", count: 249) + ".cairn"
    try await cairn("convert", "plain.safetensors", long, in: folder).expectSuccess()
    try await cairn("convert", "plain.safetensors", "n" + long, in: folder)
      .expectFailure("invalidArgument")
  }

  @Test(
    .enabled(if: Privileges.mountingWords != nil, "no file system can be mounted here"),
    arguments: ["old.cairn", "old.safetensors", "new.cairn"])
  func `A full disk leaves what was there`(output: String) async throws {
    try folder.writeSparse(megabytes: 2, to: "large.safetensors")
    try folder.makeFolder("disk")
    let run = try await execute(
      "/usr/bin/env",
      try #require(Privileges.mountingWords) + [
        "bash", "-c",
        """
        mount -t tmpfs -o size=256k none disk || exit 99
        printf old > disk/old.cairn; printf old > disk/old.safetensors
        "$CAIRN" convert --codec raw large.safetensors "disk/$1"
        status=$?
        echo $(ls -A disk) $(cat disk/old.*)
        exit $status
        """, "bash", output,
      ], in: folder, environment: ["CAIRN": BuiltCommand.path])
    #expect(run.status == 2)
    run.expectComplaint("noSpace", offset: true)
    #expect(run.output == "old.cairn old.safetensors oldold\n")
  }
}
