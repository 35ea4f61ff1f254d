/// The twelve numbers of the COCO detection benchmark; −1 where there is nothing to measure.
public struct CocoSummary: Codable, Hashable, Sendable {
  /// Mean over classes and IoU .50:.05:.95 of the average precision, for all areas and 100
  /// detections per image.
  public var ap: Double
  /// The same at IoU .50.
  public var ap50: Double
  /// The same at IoU .75.
  public var ap75: Double
  /// `ap` of objects below 32² pixels.
  public var apSmall: Double
  /// `ap` of objects from 32² to 96² pixels.
  public var apMedium: Double
  /// `ap` of objects above 96² pixels.
  public var apLarge: Double
  /// Mean over classes and IoU of the highest recall with 1 detection per image.
  public var ar1: Double
  /// The same with 10.
  public var ar10: Double
  /// The same with 100.
  public var ar100: Double
  /// `ar100` of objects below 32² pixels.
  public var arSmall: Double
  /// `ar100` of objects from 32² to 96² pixels.
  public var arMedium: Double
  /// `ar100` of objects above 96² pixels.
  public var arLarge: Double

  enum CodingKeys: String, CodingKey, CaseIterable {
    case ap = "AP"
    case ap50 = "AP50"
    case ap75 = "AP75"
    case apSmall = "AP_S"
    case apMedium = "AP_M"
    case apLarge = "AP_L"
    case ar1 = "AR_1"
    case ar10 = "AR_10"
    case ar100 = "AR_100"
    case arSmall = "AR_S"
    case arMedium = "AR_M"
    case arLarge = "AR_L"
  }

  /// The names of the numbers, in the order pycocotools prints them.
  public static let names = CodingKeys.allCases.map(\.rawValue)

  /// The numbers in the order of ``names``.
  public var values: [Double] {
    [ap, ap50, ap75, apSmall, apMedium, apLarge, ar1, ar10, ar100, arSmall, arMedium, arLarge]
  }
}

/// The precision of one class.
public struct ClassPrecision: Codable, Hashable, Sendable {
  /// The category's id.
  public var id: Int
  /// The category's name.
  public var name: String
  /// Labelled objects that count.
  public var objects: Int
  /// Mean over IoU .50:.05:.95 of the average precision; −1 without objects.
  public var ap: Double
  /// Average precision at IoU .50; −1 without objects.
  public var ap50: Double
  /// Highest recall with 100 detections per image, mean over IoU; −1 without objects.
  public var ar100: Double
  /// Interpolated precision at recall 0, .01 … 1 for IoU .50; empty without objects.
  public var precisionAt50: [Double]
}
