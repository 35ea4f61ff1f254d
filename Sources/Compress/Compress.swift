import ArgumentParser

@main
struct Compress: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "compress", version: "0.1.0")
}
