/// The models that no other model dominates in cost and worth.
public enum ParetoFront {
  /// The indices of points that no other point dominates, by ascending cost.
  ///
  /// A point is dominated by one that costs no more and is worth no less, and differs in one of the
  /// two. Of equal points all stay.
  ///
  /// - Complexity: n log n.
  public static func indices(cost: [Double], worth: [Double]) -> [Int] {
    let order = cost.indices.sorted {
      cost[$0] != cost[$1]
        ? cost[$0] < cost[$1] : worth[$0] != worth[$1] ? worth[$0] > worth[$1] : $0 < $1
    }
    var front: [Int] = []
    for index in order {
      guard let last = front.last else {
        front.append(index)
        continue
      }
      let isEqual = cost[index] == cost[last] && worth[index] == worth[last]
      if isEqual || worth[index] > worth[last] { front.append(index) }
    }
    return front
  }
}
