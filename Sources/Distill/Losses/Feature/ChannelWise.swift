import Tensors
import Training

extension DistillationLoss {
  /// Where in the image each channel is active.
  ///
  /// φ is the softmax over the H·W cells of one channel, and T the temperature. The loss of maps
  /// `[N, C, H, W]` is `T²/(N·C) Σ_n Σ_c KL(φ(t_c/T) ‖ φ(s_c/T))`, summed over the feature points.
  /// The student's map passes a learned 1×1 convolution where its channels differ.
  ///
  /// Reference: Shu et al., *Channel-wise Knowledge Distillation for Dense Prediction*, ICCV 2021,
  /// arXiv:2011.13256.
  public static let channelWise = DistillationLoss(
    name: "cwd", summary: "where each channel is active, as a distribution over cells",
    citation: "Shu et al., ICCV 2021, arXiv:2011.13256", subject: .features,
    settings: [Setting("temperature", "softens activity", 4, in: 0.1...100)],
    make: { context in
      let temperature = Float(context.setting("temperature"))
      return try AlignedTerm(context) { map, teacher, weight, pool in
        let rows = map.images * map.channels
        let parts = try pool.map(map.images) { image in
          (image * map.channels..<(image + 1) * map.channels).reduce(0.0) { sum, row in
            let place = row * map.cells
            let divergence = Divergence(
              student: map.values + place, gradient: map.gradient + place, step: 1,
              teacher: teacher + place, teacherStep: 1, count: map.cells,
              temperature: temperature)
            return sum + divergence.categories(weight / Float(rows))
          }
        }
        return parts.reduce(0, +) / Double(rows)
      }
    })
}
