extension DistillationLoss {
  /// ``response`` with a weight that falls to zero: `max(0, 1 − progress / until)`.
  ///
  /// Reference: Cho and Hariharan, *On the Efficacy of Knowledge Distillation*, ICCV 2019,
  /// arXiv:1910.01348, §5.2. Deviation: the weight falls linearly to zero, where the paper stops it
  /// at once.
  public static let earlyStopped = DistillationLoss(
    name: "eskd", summary: "kd whose weight falls to zero before training ends",
    citation: "Cho and Hariharan, ICCV 2019, arXiv:1910.01348", subject: .head,
    settings: [
      Setting(
        "until", "the fraction of training after which the teacher is silent", 0.5, in: 0.01...1),
      Setting("temperature", "softens scores", 1, in: 0.1...100),
    ],
    make: { context in
      let until = context.setting("until")
      return try responseTerm(context) { max(0, 1 - $0 / until) }
    })
}
