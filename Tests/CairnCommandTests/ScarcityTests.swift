// The command where the system has little to give: no thread, names that are no text.

import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ScarcityTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
  }

  /// A limit on the user's processes counts threads too. It does not bind root.
  @Test(.enabled(if: Privileges.bindsToPermissions, "cannot become an ordinary user"))
  func `Where no thread can be made, the work is done without`() async throws {
    let command = try Privileges.CommandForEveryone()
    try folder.setMode(".", 0o777)
    let run = try await shell(
      """
      cd "$2" || exit 99
      cairn() { timeout 60 prlimit --nproc=1 -- \(Privileges.loweringWords.joined(separator: " ")) "$1" "${@:2}"; }
      set -e
      cairn "$1" convert plain.safetensors a.cairn >/dev/null
      cairn "$1" verify --deep a.cairn >/dev/null
      cairn "$1" diff plain.safetensors a.cairn >/dev/null
      cairn "$1" copy a.cairn b.cairn >/dev/null
      cairn "$1" convert b.cairn c.safetensors >/dev/null
      cmp plain.safetensors c.safetensors
      """, command.path, folder.path, in: folder)
    run.expectSuccess()
  }

  @Test func `Paths that are no UTF-8 name the files that they name`() async throws {
    // Not every file system takes such names.
    let run = try await shell(
      """
      name=$'caf\\xe9.safetensors'
      cp plain.safetensors "$name" 2>/dev/null || { echo skipped; exit 0; }
      "$CAIRN" convert "$name" $'out\\xff.cairn' || exit
      test -f $'out\\xff.cairn' || exit 98
      "$CAIRN" diff plain.safetensors $'out\\xff.cairn' || exit
      ln -s $'out\\xff.cairn' link.cairn
      "$CAIRN" convert plain.safetensors link.cairn >/dev/null && test -L link.cairn || exit 97
      "$CAIRN" info --json $'out\\xff.cairn' | grep path
      "$CAIRN" info $'none\\xff.cairn'
      """, in: folder)
    if run.output == "skipped\n" { return }
    #expect(run.status == 2)
    #expect(run.output.contains("out\\xFF.cairn: "))
    #expect(run.output.contains("\"path\": \"out\\\\xFF.cairn\""))
    run.expectComplaint("notFound")
    #expect(run.errors.contains("none\\xFF.cairn"))
  }
}
