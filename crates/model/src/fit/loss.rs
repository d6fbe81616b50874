//! What is minimised of the residuals.

use super::triangle::dot;

/// A loss ρ of squared residuals: half of `Σ d² ρ(r²/d²)` is minimised. Residuals are those divided by σ or multiplied by the roots of weights;
/// `d` is where outliers begin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Loss {
    /// `z`: least squares.
    #[default]
    Linear,
    /// `z` up to 1, then `2√z − 1`: straight lines for outliers (Huber 1964).
    Huber(f64),
    /// `2(√(1 + z) − 1)`: the same without a corner.
    SoftL1(f64),
    /// `ln(1 + z)`: outliers hardly count.
    Cauchy(f64),
}

impl Loss {
    /// ρ and its first two derivatives at `z`.
    fn at(self, z: f64) -> (f64, f64, f64) {
        match self {
            Loss::Linear => (z, 1.0, 0.0),
            Loss::Huber(_) if z <= 1.0 => (z, 1.0, 0.0),
            Loss::Huber(_) => {
                let root = z.sqrt();
                (2.0 * root - 1.0, 1.0 / root, -0.5 / (z * root))
            }
            Loss::SoftL1(_) => {
                let root = (1.0 + z).sqrt();
                (2.0 * z / (root + 1.0), 1.0 / root, -0.5 / (root * root * root))
            }
            Loss::Cauchy(_) => (z.ln_1p(), 1.0 / (1.0 + z), -1.0 / ((1.0 + z) * (1.0 + z))),
        }
    }

    /// Where outliers begin.
    pub fn width(self) -> f64 {
        match self {
            Loss::Linear => 1.0,
            Loss::Huber(d) | Loss::SoftL1(d) | Loss::Cauchy(d) => d,
        }
    }

    /// It for residuals that are measured in a unit.
    pub(super) fn measured(self, unit: super::Unit) -> Loss {
        match self {
            Loss::Linear => Loss::Linear,
            Loss::Huber(d) => Loss::Huber(unit.measured(d)),
            Loss::SoftL1(d) => Loss::SoftL1(unit.measured(d)),
            Loss::Cauchy(d) => Loss::Cauchy(unit.measured(d)),
        }
    }

    /// Half the loss of a residual, and its derivative.
    pub(super) fn of(self, r: f64) -> (f64, f64) {
        let d = self.width();
        let (value, first, _) = self.at((r / d) * (r / d));
        (0.5 * d * d * value, first * r)
    }

    /// Scales rows of `[J r]`, given column after column, by the root of ρ', so that their least-squares problem has the gradient of
    /// the loss and a Hessian that is never below that of the loss (iteratively reweighted least squares; Holland and Welsch 1977): a step lowers the
    /// loss. Gives half the loss.
    pub(super) fn apply(self, block: &mut [f64], rows: usize, width: usize) -> f64 {
        let (jacobian, residuals) = block.split_at_mut((width - 1) * rows);
        if self == Loss::Linear {
            return 0.5 * dot(residuals, residuals);
        }
        let d = self.width();
        let mut cost = 0.0;
        for (row, r) in residuals.iter_mut().enumerate() {
            let (value, first, _) = self.at((*r / d) * (*r / d));
            cost += 0.5 * d * d * value;
            let root = first.sqrt();
            (0..width - 1).for_each(|k| jacobian[k * rows + row] *= root);
            *r *= root;
        }
        cost
    }

    /// The influence of a residual, which is the derivative of half the loss, and its derivative.
    pub(super) fn influence(self, r: f64) -> (f64, f64) {
        let z = (r / self.width()) * (r / self.width());
        let (_, first, second) = self.at(z);
        (first * r, first + 2.0 * second * z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_loss() {
        for loss in [Loss::Huber(1.0), Loss::SoftL1(1.0), Loss::Cauchy(1.0)] {
            for z in [0.25, 3.0, 40.0] {
                let h = 1e-5 * z;
                let (_, first, second) = loss.at(z);
                let (before, after) = (loss.at(z - h), loss.at(z + h));
                assert!(((after.0 - before.0) / (2.0 * h) - first).abs() < 1e-8, "{loss:?} {z}");
                assert!(((after.1 - before.1) / (2.0 * h) - second).abs() < 1e-8, "{loss:?} {z}");
            }
        }
    }
}
