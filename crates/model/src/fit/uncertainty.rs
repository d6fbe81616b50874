//! What the data say about parameters, and what they do not.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

use super::objective::{Objective, Request, Rows};
use super::parameters::Layout;
use super::svd::Svd;
use super::triangle::Triangle;

/// Singular values of the scaled Jacobian below this part of the largest are 0.
const ZERO: f64 = 1e-12;

/// Those below this one are, too, where the one before is so many times larger.
const SMALL: (f64, f64) = (1e-9, 1e4);

/// The inverse of `RᵀR` over the parameters that are not at a bound, and the directions in which it has none.
#[derive(Debug)]
pub struct Inverse {
    /// Which of the free numbers it is over.
    pub of: Vec<usize>,
    /// The norms of their columns; 1 for a column of zeros.
    units: Vec<f64>,
    /// The pseudo-inverse of the columns divided by their norms, row after row over `of`: its elements are neither so large nor so small
    /// that it matters in which units the parameters and the data are.
    matrix: Vec<f64>,
    /// Directions over `of` that change no residual, in units of the parameters; each with the part that every parameter has in it in
    /// units of its effect.
    pub null: Vec<(Vec<f64>, Vec<f64>)>,
}

/// A parameter with so large a part in a direction that changes no residual is not determined.
const OPEN: f64 = 1e-5;

impl Inverse {
    /// From R of `[J r]`, without the parameters that are at a bound.
    pub fn of(triangle: &Triangle, at_bound: &[bool]) -> Inverse {
        let n = triangle.columns() - 1;
        let of: Vec<usize> = (0..n).filter(|&k| !at_bound[k]).collect();
        let count = of.len();
        let units: Vec<f64> =
            of.iter().map(|&k| triangle.norm(k)).map(|norm| if norm > 0.0 { norm } else { 1.0 }).collect();
        let mut block: Vec<f64> = Vec::with_capacity(count * triangle.columns());
        for (&k, unit) in of.iter().zip(&units) {
            block.extend((0..triangle.columns()).map(|row| triangle.at(row, k) / unit));
        }
        let mut scaled = Triangle::new(count);
        scaled.absorb(&mut block, triangle.columns(), triangle.columns());
        block.clear();
        (0..count).for_each(|k| block.extend((0..count).map(|row| scaled.at(row, k))));
        let svd = Svd::of(&block, count);
        let largest = if count > 0 { svd.value(0) } else { 0.0 };
        let mut rank = count;
        for k in 0..count {
            let value = svd.value(k);
            let before = if k == 0 { largest } else { svd.value(k - 1) };
            if value <= ZERO * largest || value <= SMALL.0 * largest && value * SMALL.1 <= before {
                rank = k;
                break;
            }
        }
        let mut matrix = block;
        matrix.clear();
        for i in 0..count {
            matrix.extend((0..count).map(|j| {
                let part = |k: usize| svd.right(k)[i] * svd.right(k)[j] / (svd.value(k) * svd.value(k));
                (0..rank).map(part).sum::<f64>()
            }));
        }
        let null = (rank..count).map(|k| {
            let parts = svd.right(k).to_vec();
            (parts.iter().zip(&units).map(|(part, unit)| part / unit).collect(), parts)
        });
        let null = null.collect();
        Inverse { of, units, matrix, null }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.matrix[i * self.of.len() + j]
    }

    /// Whether the data do not determine the parameter at this place of `of`.
    pub fn is_open(&self, place: usize) -> bool {
        self.null.iter().any(|(_, parts)| parts[place].abs() > OPEN)
    }

    /// Whether what changes by these slopes with the parameters changes along a direction that changes no residual.
    pub fn moves(&self, slopes: &[f64]) -> bool {
        self.null.iter().any(|(direction, _)| {
            let terms = || slopes.iter().zip(direction).map(|(slope, along)| slope * along);
            let most = terms().map(f64::abs).fold(0.0, f64::max);
            terms().sum::<f64>().abs() > OPEN * most
        })
    }

    /// The standard error of a parameter if residuals scatter by 1.
    pub fn spread(&self, place: usize) -> f64 {
        self.at(place, place).sqrt() / self.units[place]
    }

    /// The standard error of what changes by these slopes with the parameters, if residuals scatter by 1.
    pub fn spread_along(&self, slopes: &[f64]) -> f64 {
        let scaled = |k: usize| slopes[k] / self.units[k];
        let most = (0..self.of.len()).map(|k| scaled(k).abs()).fold(0.0, f64::max);
        if most == 0.0 || !most.is_finite() {
            return most;
        }
        let square: f64 = (0..self.of.len())
            .flat_map(|i| (0..self.of.len()).map(move |j| (i, j)))
            .map(|(i, j)| scaled(i) / most * self.at(i, j) * (scaled(j) / most))
            .sum();
        most * square.max(0.0).sqrt()
    }

    /// The correlation of the errors of two parameters.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        if i == j { 1.0 } else { self.at(i, j) / (self.at(i, i) * self.at(j, j)).sqrt() }
    }

    /// By how much a parameter moves if a residual, whose slopes these are, is changed by 1.
    pub fn shift(&self, place: usize, slopes: impl Fn(usize) -> f64) -> f64 {
        let along = self.of.iter().enumerate();
        along.map(|(j, &k)| self.at(place, j) * (slopes(k) / self.units[j])).sum::<f64>() / self.units[place]
    }

    /// How many directions the data determine.
    pub fn rank(&self) -> usize {
        self.of.len() - self.null.len()
    }
}

/// From so many degrees of freedom on, the first terms of an expansion are exact to rounding.
const MANY: f64 = 1e4;

/// The quantile of Student's distribution that so much lies within, on both sides of 0; of the normal distribution without degrees of
/// freedom. Right to 1e-12 of itself.
pub fn quantile(level: f64, dof: Option<usize>) -> Option<f64> {
    let target = 0.5 + 0.5 * level;
    let z = Normal::standard().inverse_cdf(target);
    let Some(dof) = dof else { return Some(z) };
    let n = dof as f64;
    let square = z * z;
    // Cornish and Fisher's expansion in 1/n (Abramowitz and Stegun 26.7.5).
    let expanded = z
        + z * (square + 1.0) / (4.0 * n)
        + z * ((5.0 * square + 16.0) * square + 3.0) / (96.0 * n * n)
        + z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / (384.0 * n * n * n);
    if n >= MANY {
        return Some(expanded);
    }
    let student = StudentsT::new(0.0, 1.0, n).ok()?;
    let (mut low, mut high) = (0.0, expanded.max(1.0));
    while student.cdf(high) < target && high < 1e300 {
        high *= 2.0;
    }
    let mut x = expanded.clamp(low, high);
    for _ in 0..200 {
        let excess = student.cdf(x) - target;
        if excess > 0.0 {
            high = x
        } else {
            low = x
        }
        let newton = x - excess / student.pdf(x);
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - x).abs() <= 1e-13 * x {
            return Some(next);
        }
        x = next;
    }
    Some(x)
}

/// A basis of directions with as many zeros as elimination makes, in relative changes where no parameter is 0.
fn reduced(directions: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut rows = directions;
    let columns = rows.first().map_or(0, Vec::len);
    let mut done = 0;
    let mut used = vec![false; columns];
    while done < rows.len() {
        let Some((row, column)) = (done..rows.len())
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .filter(|&(_, column)| !used[column])
            .max_by(|&(a, c), &(b, d)| rows[a][c].abs().total_cmp(&rows[b][d].abs()))
        else {
            break;
        };
        rows.swap(done, row);
        used[column] = true;
        let pivot = rows[done][column];
        rows[done].iter_mut().for_each(|x| *x /= pivot);
        for other in 0..rows.len() {
            if other != done {
                let factor = rows[other][column];
                let source = rows[done].clone();
                rows[other].iter_mut().zip(source).for_each(|(x, y)| *x -= factor * y);
            }
        }
        done += 1;
    }
    for row in &mut rows {
        row.iter_mut().filter(|x| x.abs() < 1e-6).for_each(|x| *x = 0.0);
        // The first one grows.
        if row.iter().find(|x| **x != 0.0).is_some_and(|first| *first < 0.0) {
            row.iter_mut().for_each(|x| *x = 0.0 - *x);
        }
    }
    rows
}

/// Whole numbers in the same proportion, if there are small ones.
fn whole(direction: &[f64]) -> Option<Vec<i32>> {
    let least = direction.iter().map(|x| x.abs()).filter(|&x| x > 0.0).fold(f64::INFINITY, f64::min);
    (1..=3).find_map(|times| {
        let numbers: Vec<f64> = direction.iter().map(|x| x / least * f64::from(times)).collect();
        let near = numbers.iter().all(|x| (x - x.round()).abs() < 1e-3 && x.abs() < 7.0);
        near.then(|| numbers.iter().map(|x| x.round() as i32).collect())
    })
}

/// What the directions that change nothing mean, in words. `size` is the norm of the data.
pub fn words(
    objective: &Objective,
    layout: &Layout,
    rows: &Rows,
    point: &[f64],
    inverse: &Inverse,
    (cost, size): (f64, f64),
) -> Vec<String> {
    if inverse.null.is_empty() {
        return Vec::new();
    }
    let name = |k: usize| layout.free[inverse.of[k]].name.as_str();
    let involved = |k: usize| inverse.null.iter().any(|(_, parts)| parts[k].abs() > 1e-5);
    let relative = (0..inverse.of.len()).all(|k| !involved(k) || point[inverse.of[k]] != 0.0);
    let unchanged = |moved: &dyn Fn(usize, f64) -> f64| {
        let mut other = point.to_vec();
        for (k, &parameter) in inverse.of.iter().enumerate() {
            other[parameter] = moved(k, point[parameter]);
        }
        let request = [Request { point: &other, rows: 0..rows.count }];
        let found = objective.evaluate(layout, rows, &request, None);
        matches!(&found[0], Ok(found) if (found.cost - cost).abs() <= 1e-6 * cost + 1e-18 * size * size)
    };
    let scaled = |scale: &dyn Fn(usize) -> f64| {
        let directions = inverse.null.iter().map(|(direction, parts)| {
            let element = |k: usize| if parts[k].abs() > 1e-5 { direction[k] / scale(k) } else { 0.0 };
            let direction: Vec<f64> = (0..inverse.of.len()).map(element).collect();
            let largest = direction.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            direction.iter().map(|x| x / largest).collect()
        });
        reduced(directions.collect())
    };
    let factors = relative.then(|| scaled(&|k| point[inverse.of[k]]));
    let sums = scaled(&|_| 1.0);
    (0..inverse.null.len())
        .map(|index| {
            if let Some(direction) = factors.as_ref().map(|all| &all[index]) {
                let some: Vec<usize> = (0..direction.len()).filter(|&k| direction[k] != 0.0).collect();
                if let [k] = some[..] {
                    return format!("the data say nothing about {}", name(k));
                }
                if unchanged(&|k, x| x * 1.25f64.powf(direction[k])) {
                    return products(&some.iter().map(|&k| (name(k), direction[k])).collect::<Vec<_>>());
                }
            }
            let direction = &sums[index];
            let some: Vec<usize> = (0..direction.len()).filter(|&k| direction[k] != 0.0).collect();
            if let [k] = some[..] {
                return format!("the data say nothing about {}", name(k));
            }
            let names = list(&some.iter().map(|&k| name(k)).collect::<Vec<_>>());
            let step = some.iter().map(|&k| point[inverse.of[k]].abs()).fold(0.0, f64::max).max(1e-300);
            if let ([a, b], true) = (&some[..], unchanged(&|k, x| x + 0.25 * step * direction[k])) {
                // a changes by α where b changes by β: β·a − α·b does not.
                let (alpha, beta) = (direction[*a], direction[*b]);
                let combined = match whole(&[alpha, beta]).as_deref() {
                    Some([alpha, beta]) => {
                        sum(&[(name(*a), f64::from(*beta)), (name(*b), -f64::from(*alpha))])
                    }
                    // To four digits: what matters is that it is a combination.
                    _ => sum(&[(name(*a), (beta / alpha * 1e4).round() / 1e4), (name(*b), -1.0)]),
                };
                return format!("the data determine {combined}, not {names}");
            }
            let parts: Vec<String> =
                some.iter().map(|&k| format!("{:.3} of {}", direction[k], name(k))).collect();
            format!("the data do not determine {names}: they can change together by {}", list(&parts))
        })
        .collect()
}

/// Words for factors that can change together.
fn products(factors: &[(&str, f64)]) -> String {
    let names = list(&factors.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let exponents = whole(&factors.iter().map(|(_, x)| *x).collect::<Vec<_>>());
    if let ([(a, _), (b, _)], Some([alpha, beta])) = (factors, exponents.as_deref()) {
        // a^β · b^−α does not change.
        let power = |name: &str, exponent: i32| match exponent {
            1 => name.to_owned(),
            exponent => format!("{name}^{exponent}"),
        };
        let (first, second) = if *beta > 0 { (*beta, -*alpha) } else { (-*beta, *alpha) };
        let combined = match second > 0 {
            true => format!("{}·{}", power(a, first), power(b, second)),
            false => format!("{}/{}", power(a, first), power(b, -second)),
        };
        return format!("the data determine {combined}, not {names}");
    }
    let parts: Vec<String> = match exponents {
        Some(exponents) => {
            factors.iter().zip(exponents).map(|((name, _), k)| format!("{name} by s^{k}")).collect()
        }
        None => factors.iter().map(|(name, x)| format!("{name} by s^{x:.3}")).collect(),
    };
    format!("the data do not determine {names}: multiplying {} changes nothing", list(&parts))
}

/// A sum with signs.
fn sum(terms: &[(&str, f64)]) -> String {
    let turn = terms.first().is_some_and(|(_, factor)| *factor < 0.0);
    let mut text = String::new();
    for (k, (name, factor)) in terms.iter().enumerate() {
        let factor = if turn { -factor } else { *factor };
        text += match (k, factor < 0.0) {
            (0, true) => "−",
            (0, false) => "",
            (_, true) => " − ",
            (_, false) => " + ",
        };
        text += &match factor.abs() {
            1.0 => (*name).to_owned(),
            factor => format!("{factor}·{name}"),
        };
    }
    text
}

/// Names with commas and an "and".
pub fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_said_as_they_are_written() {
        assert_eq!(products(&[("G", 1.0), ("m1", -1.0)]), "the data determine G·m1, not G and m1");
        assert_eq!(products(&[("G", 1.0), ("m1", 1.0)]), "the data determine G/m1, not G and m1");
        assert_eq!(products(&[("a", 0.5), ("b", -1.0)]), "the data determine a^2·b, not a and b");
        assert_eq!(sum(&[("a", -1.0), ("b", -1.0)]), "a + b");
        assert_eq!(sum(&[("a", 2.0), ("b", -1.0)]), "2·a − b");
        let directions = reduced(vec![vec![0.8, 0.0, -0.8], vec![0.3, 0.5, -0.8]]);
        assert_eq!(directions, [[1.0, 0.0, -1.0], [1.0, -1.0, 0.0]]);
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        let near = |level, dof, expected: f64| {
            let found = quantile(level, dof).expect("one");
            assert!((found / expected - 1.0).abs() < 1e-11, "{level} {dof:?}: {found} {expected}");
        };
        near(0.95, None, 1.959_963_984_540_054_2);
        near(0.95, Some(1), 12.706_204_736_174_693);
        near(0.95, Some(2), 4.302_652_729_749_462);
        near(0.95, Some(10), 2.228_138_851_986_274);
        near(0.999, Some(5), 6.868_826_625_881_109);
        near(0.95, Some(9_999), 1.960_201_263_621_357);
        near(0.95, Some(20_000_000), 1.959_964_103_153_622);
    }
}
