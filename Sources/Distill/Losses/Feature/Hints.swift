import Training

extension DistillationLoss {
  /// Hints: the student's maps, through a learned 1×1 regressor r, are trained to equal the
  /// teacher's.
  ///
  /// The loss is `½ · mean of (r(s) − t)²` with s `[N, C, H, W]`, t and r(s) `[N, C′, H, W]`,
  /// summed over the feature points. Training has two stages. Up to the fraction `stage` only the
  /// hints act, then only the other losses. With `stage` 0 hints act all the time.
  ///
  /// Reference: Romero et al., *FitNets: Hints for Thin Deep Nets*, ICLR 2015, arXiv:1412.6550.
  /// Deviations: a hint at each stride instead of one in the middle; one learning rate schedule
  /// over both stages; the regressor is always 1×1.
  public static let hints = DistillationLoss(
    name: "fitnet", summary: "feature maps through a learned 1×1 regressor, in two stages",
    citation: "Romero et al., ICLR 2015, arXiv:1412.6550", subject: .features,
    settings: [
      Setting(
        hintStage, "the fraction of training in which hints act alone; 0: always, with the rest",
        0.25, in: 0...0.9)
    ],
    make: { context in
      try AlignedTerm(context, isForced: true) { map, teacher, weight, _ in
        squaredDistance(map, teacher, weight)
      }
    })

  /// The setting for how long hints act alone.
  static let hintStage = "stage"

  /// `½ · mean of (s − t)²`; adds its gradient times `weight`.
  static func squaredDistance(
    _ map: RawMap, _ teacher: UnsafePointer<Float>, _ weight: Float
  ) -> Double {
    let factor = weight / Float(map.count)
    var sum = 0.0
    for index in 0..<map.count {
      let error = map.values[index] - teacher[index]
      sum += Double(error * error)
      map.gradient[index] += factor * error
    }
    return sum / 2 / Double(map.count)
  }
}
