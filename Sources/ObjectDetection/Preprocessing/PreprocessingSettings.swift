extension HeadSettings.PreprocessingSettings {
  /// Whether the settings say how pixels are scaled.
  var tellsScale: Bool { scale != nil || mean != nil || std != nil }

  /// Replaces what the settings name: `x = (pixel · scale − mean) / std`.
  ///
  /// With a scale, a mean and a deviation that are not given are 0 and 1.
  func apply(to preprocessing: inout Preprocessing) {
    let old = preprocessing
    let factor = scale ?? 1
    let (mean, std) = (
      mean ?? (scale == nil ? old.mean : [0]), std ?? (scale == nil ? old.std : [1])
    )
    preprocessing = Preprocessing(
      fit: fit ?? old.fit, pad: pad ?? old.pad, order: order ?? old.order,
      mean: mean.map { $0 / factor }, std: std.map { $0 / factor })
  }

  /// The first setting that cannot be, and what it must do; `nil` when all can.
  package var fault: (key: String, rule: String)? {
    if let pad, !(0...255).contains(pad) {
      return ("pad", "must lie between 0 and 255, found \(pad)")
    }
    if let scale, !scale.isFinite || scale <= 0 {
      return ("scale", "must be above 0, found \(scale)")
    }
    for (key, values) in [("mean", mean), ("std", std)] {
      guard let values else { continue }
      guard [1, 3].contains(values.count), values.allSatisfy(\.isFinite),
        key == "mean" || values.allSatisfy({ $0 != 0 })
      else {
        return (key, "takes one number or three\(key == "std" ? ", none of them 0" : "")")
      }
    }
    if scale == nil, let mean, let std, std.allSatisfy({ $0 < 1 }),
      mean.allSatisfy({ (0...1).contains($0) }), mean.contains(where: { $0 > 0 })
    {
      return (
        "std", "and mean are of pixels from 0 to 1, and pixels go to 255: give scale 1/255 as well"
      )
    }
    return nil
  }
}
