/// The words of a command line.
struct CommandWords {
  /// The same with numbers below zero joined to the option before them, `--seed=-1`: none is taken
  /// for an option, and the one it belongs to says what is wrong with it.
  let joined: [String]

  /// The given words, the program's name left out.
  init(_ words: some Sequence<String>) {
    var joined: [String] = []
    for word in words {
      if word.hasPrefix("-"), Double(word) != nil, let option = joined.last,
        option.hasPrefix("--"), !option.contains("=")
      {
        joined[joined.count - 1] = "\(option)=\(word)"
      } else {
        joined.append(word)
      }
    }
    self.joined = joined
  }
}
