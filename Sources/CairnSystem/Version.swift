// Which Cairn this is: the command prints it and the files that it writes record it. CHANGELOG.md
// tells what each version brought; the file format has versions of its own (FORMAT.md).

/// The version of this library, as in CHANGELOG.md.
package let cairnVersion = "0.1.0"
