/// An operator that computes nothing useful from infinite constants: layers, normalisations and
/// what has scales.
///
/// Elsewhere infinity is a value like others: in the bounds of clamps, in masks, in the values of
/// padding.
public protocol FiniteOperandsOperator: Operator {}
