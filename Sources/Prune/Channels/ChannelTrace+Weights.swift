import GraphIR
import Tensors

/// The operands and axes of a convolution.
struct ConvolutionPlace {
  var weight: Int
  var bias: Int?
  var groups: Int
  var isTransposed: Bool
  /// The axis of the weights that output channels run along.
  var outputAxis: Int { isTransposed ? 1 : 0 }
  /// The axis of the weights that input channels run along.
  var inputAxis: Int { isTransposed ? 0 : 1 }
}

/// Rules of nodes that read labels and make new ones.
extension ChannelTrace {
  mutating func convolution(_ place: ConvolutionPlace, _ site: Site) -> [LabelTensor]? {
    guard let x = values[site.node.inputs[0]], let w = site.constant(place.weight),
      place.bias.map({ site.constant($0) != nil }) ?? true, let shape = site.types.first?.shape
    else { return nil }
    let read = channels(of: x, along: 1, site)
    let made: [Int32]
    if place.groups > 1, x.shape[1] == place.groups {
      made = read.flatMap { [Int32](repeating: $0, count: shape[1] / place.groups) }
      claim(place.weight, axis: 0, place.isTransposed ? read : made, site)
      if !place.isTransposed, made.count == read.count {
        depthwise.append(
          Consumer(
            node: site.entry.index, input: 0, axisFromEnd: shape.count - 1,
            weight: site.node.inputs[place.weight], weightAxis: 0, groups: place.groups,
            labels: read))
      }
    } else {
      made = labels.make(shape[1])
      record(place, read: read, made: made, site)
      claim(place, read: read, made: made, w.shape, site)
    }
    if let bias = place.bias { claim(bias, axis: 0, made, site) }
    return [LabelTensor(made, along: 1, shape: shape)]
  }

  /// The label of each channel of a value, united along all other axes.
  private mutating func channels(of value: LabelTensor, along axis: Int, _ site: Site) -> [Int32] {
    let line = squaredLine(value, axis, site)
    if value.extents[axis] == 1, let first = value.labels.first {
      for label in value.labels {
        labels.unite(first, label, because: FreezeReason(.layout, at: site.node.label))
      }
    }
    return line
  }

  private mutating func record(
    _ place: ConvolutionPlace, read: [Int32], made: [Int32], _ site: Site
  ) {
    let weight = site.node.inputs[place.weight]
    producers.append(
      Producer(
        node: site.entry.index, weight: weight, weightAxis: place.outputAxis, labels: made))
    consumers.append(
      Consumer(
        node: site.entry.index, input: 0, axisFromEnd: site.types[0].shape.count - 1,
        weight: weight, weightAxis: place.inputAxis, groups: place.groups, labels: read))
  }

  /// A grouped convolution loses the same channels in each group, so that the groups stay equal.
  private mutating func claim(
    _ place: ConvolutionPlace, read: [Int32], made: [Int32], _ shape: [Int], _ site: Site
  ) {
    let reason = FreezeReason(.layout, at: site.node.label)
    for channels in [read, made] where place.groups > 1 {
      let size = channels.count / place.groups
      for channel in channels.indices {
        labels.unite(channels[channel % size], channels[channel], because: reason)
      }
    }
    let (inGroup, all) = place.isTransposed ? (made, read) : (read, made)
    claim(place.weight, axis: 0, all, site)
    claim(place.weight, axis: 1, Array(inGroup.prefix(shape[1])), site)
  }

  // MARK: Matrix products

  mutating func product(
    _ transposesA: Bool, _ transposesB: Bool, _ bias: Int?, _ site: Site
  ) -> [LabelTensor]? {
    let shapes = [0, 1].map { site.entry.inputs[$0]?.shape ?? [] }
    guard shapes.allSatisfy({ $0.count >= 2 }), bias.map({ site.constant($0) != nil }) ?? true
    else { return nil }
    // For each factor, the axis that is summed over and the one that stays, counted from the end.
    let inner = (a: transposesA ? 2 : 1, b: transposesB ? 1 : 2)
    let factors = [
      Factor(input: 0, inner: inner.a, outer: 3 - inner.a, output: 2),
      Factor(input: 1, inner: inner.b, outer: 3 - inner.b, output: 1),
    ]
    switch (site.constant(0), site.constant(1)) {
    case (nil, nil): return bias == nil ? activations(factors, shapes, site).map { [$0] } : nil
    case (nil, .some): return weights(factors[1], times: factors[0], bias, shapes, site)
    case (.some, nil): return weights(factors[0], times: factors[1], bias, shapes, site)
    default: return nil
    }
  }

  /// One operand of a matrix product; axes are counted from the end.
  struct Factor {
    var input: Int
    var inner: Int
    var outer: Int
    /// The axis of the product that its outer axis becomes.
    var output: Int
  }

  /// A constant matrix reads channels of the other factor and makes channels of its own.
  private mutating func weights(
    _ weight: Factor, times data: Factor, _ bias: Int?, _ shapes: [[Int]], _ site: Site
  ) -> [LabelTensor]? {
    let (w, x) = (shapes[weight.input], shapes[data.input])
    guard w.count == 2, let value = values[site.node.inputs[data.input]],
      let shape = site.types.first?.shape
    else { return nil }
    let read = channels(of: value, along: x.count - data.inner, site)
    let made = labels.make(w[2 - weight.outer])
    let name = site.node.inputs[weight.input]
    producers.append(
      Producer(node: site.entry.index, weight: name, weightAxis: 2 - weight.outer, labels: made))
    consumers.append(
      Consumer(
        node: site.entry.index, input: data.input, axisFromEnd: data.inner, weight: name,
        weightAxis: 2 - weight.inner, groups: 1, labels: read))
    claim(weight.input, axis: 2 - weight.inner, read, site)
    claim(weight.input, axis: 2 - weight.outer, made, site)
    let axis = shape.count - weight.output
    if let bias, let constant = site.constant(bias) {
      let own = constant.shape.count - weight.output
      if own >= 0, constant.shape[own] > 1 { claim(bias, axis: own, made, site) }
    }
    return [LabelTensor(made, along: axis, shape: shape)]
  }

  /// Unites the channels along which two activations are multiplied; other channels pass.
  private mutating func activations(
    _ factors: [Factor], _ shapes: [[Int]], _ site: Site
  ) -> LabelTensor? {
    let tensors = factors.map { values[site.node.inputs[$0.input]] }
    guard let a = tensors[0], let b = tensors[1], let shape = site.types.first?.shape else {
      return nil
    }
    let innerAxes = zip(factors, shapes).map { $1.count - $0.inner }
    if a.extents[innerAxes[0]] > 1 || b.extents[innerAxes[1]] > 1 {
      let lines = [
        channels(of: a, along: innerAxes[0], site), channels(of: b, along: innerAxes[1], site),
      ]
      for (place, factor) in factors.enumerated() {
        consumers.append(
          Consumer(
            node: site.entry.index, input: factor.input, axisFromEnd: factor.inner, weight: nil,
            weightAxis: 0, groups: 1, labels: lines[place]))
      }
      for (left, right) in zip(lines[0], lines[1]) {
        labels.unite(left, right, because: FreezeReason(.unlabelled, at: site.node.label))
      }
      return LabelTensor(shape: shape)
    }
    let open = zip(tensors, factors).compactMap { value, factor in
      value.flatMap { $0.isUnlabelled ? nil : ($0, factor) }
    }
    guard let (value, factor) = open.first else { return LabelTensor(shape: shape) }
    let outer = value.shape.count - factor.outer
    // Labels of both factors, or of axes before the matrices, would not leave a rectangular tensor.
    guard open.count == 1, value.varyingAxes.allSatisfy({ $0 == outer }) else {
      for (value, _) in open { freeze(value, because: FreezeReason(.mixed, at: site.node.label)) }
      return LabelTensor(shape: shape)
    }
    return LabelTensor(
      value.line(along: outer), along: shape.count - factor.output, shape: shape)
  }
}
