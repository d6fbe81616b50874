//! Matrices of sums over the batch that are products of columns: what the weights of a layer have for a gradient.
//!
//! Of a layer W x + b, the gradient by W of one row is the outer product of two vectors, and that by the batch the sum of those. A kernel
//! that added each row's products itself would load and store every sum once for each group of rows. So it leaves the vectors in columns of
//! the tile, and here a few sums at a time stay in registers while all rows of the tile go by.

use std::ops::Range;

use super::kernel::KernelShape;
use crate::abi::PARTIALS;
use crate::element::Element;

/// A matrix of sums over the batch, each of a product of two columns or of a sum of several such products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Products {
    /// The first of the sums, which are in row-major order.
    pub first: usize,
    /// How many rows and columns the matrix has.
    pub extents: (usize, usize),
    /// What is added up, in this order, in the numbers that columns hold: the product of a column for the row of the matrix and one for its
    /// column. Each term has the first of these columns among those that the kernel [keeps](KernelShape::kept).
    pub terms: Vec<(usize, usize)>,
}

impl Products {
    /// The sums that these are.
    pub(super) fn sums(&self) -> Range<usize> {
        self.first..self.first + self.extents.0 * self.extents.1
    }
}

impl KernelShape {
    /// The sums that the kernel adds to itself: all but those of [`KernelShape::products`].
    pub(super) fn own_sums(&self) -> impl Iterator<Item = Range<usize>> + use<'_> {
        let ends = self.products.iter().map(|products| products.sums().end);
        let starts = self.products.iter().map(|products| products.first).chain([self.param_gradients]);
        std::iter::once(0).chain(ends).zip(starts).map(|(start, end)| start..end)
    }
}

/// The columns that a kernel keeps, for some rows.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a, T> {
    columns: &'a [*mut T],
    first: usize,
    rows: usize,
}

impl<'a, T: Element> Kept<'a, T> {
    /// Rows of columns from row `first` on.
    ///
    /// # Safety
    /// Each column must have these rows, which nothing writes as long as this is there.
    pub(super) unsafe fn new(columns: &'a [*mut T], first: usize, rows: usize) -> Kept<'a, T> {
        Kept { columns, first, rows }
    }

    #[inline(always)]
    fn column(self, k: usize) -> &'a [T] {
        // SAFETY: as `new` was promised.
        unsafe { std::slice::from_raw_parts(self.columns[k].add(self.first), self.rows) }
    }
}

/// Adds the products of rows to their partial sums. `row` is the place of the first among the rows of its block.
pub(super) fn add<T: Element>(products: &[Products], kept: Kept<'_, T>, partials: &mut [f64], row: usize) {
    let rows = kept.rows;
    // Sixteen rows have a partial sum each.
    let head = (row.next_multiple_of(PARTIALS) - row).min(rows);
    let whole = (rows - head) / PARTIALS * PARTIALS;
    for products in products {
        add_rows(products, kept, partials, row, 0..head);
        let matrix = &mut partials[products.first * PARTIALS..products.sums().end * PARTIALS];
        add_groups(products, kept, matrix, head..head + whole);
        add_rows(products, kept, partials, row, head + whole..rows);
    }
}

/// The product for a place of the matrix in a row.
pub(super) fn product<T: Element>(
    products: &Products,
    kept: Kept<'_, T>,
    (i, j): (usize, usize),
    row: usize,
) -> f64 {
    let mut terms = products
        .terms
        .iter()
        .map(|&(left, right)| kept.column(left + i)[row].times(kept.column(right + j)[row]));
    let first = terms.next().unwrap_or_default();
    terms.fold(first, T::plus).to_f64()
}

fn add_rows<T: Element>(
    products: &Products,
    kept: Kept<'_, T>,
    partials: &mut [f64],
    first: usize,
    rows: Range<usize>,
) {
    let (height, width) = products.extents;
    for row in rows {
        let lane = (first + row) % PARTIALS;
        for i in 0..height {
            for j in 0..width {
                let sum = products.first + i * width + j;
                partials[sum * PARTIALS + lane] += product(products, kept, (i, j), row);
            }
        }
    }
}

/// Adds rows of which the first has the first partial sum, sixteen or a multiple of that.
fn add_groups<T: Element>(products: &Products, kept: Kept<'_, T>, matrix: &mut [f64], rows: Range<usize>) {
    if rows.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl") {
            match *products.terms {
                // SAFETY: the processor has the features; `kept` has the columns and rows.
                [term] => unsafe { avx512::add_groups(products, term, kept, matrix, rows) },
                // SAFETY: the processor has the features.
                _ => unsafe { wide_512(products, kept, matrix, rows) },
            }
            return;
        }
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature.
            unsafe { wide_256(products, kept, matrix, rows) };
            return;
        }
    }
    add_blocks::<T, 2, 2, 2>(products, kept, matrix, rows);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
fn wide_512<T: Element>(products: &Products, kept: Kept<'_, T>, matrix: &mut [f64], rows: Range<usize>) {
    add_blocks::<T, 8, 2, 4>(products, kept, matrix, rows);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_256<T: Element>(products: &Products, kept: Kept<'_, T>, matrix: &mut [f64], rows: Range<usize>) {
    add_blocks::<T, 4, 2, 4>(products, kept, matrix, rows);
}

/// Goes over the matrix in blocks of so many rows and columns, whose sums the processor has registers for.
#[inline(always)]
fn add_blocks<T: Element, const LANES: usize, const HEIGHT: usize, const WIDTH: usize>(
    products: &Products,
    kept: Kept<'_, T>,
    matrix: &mut [f64],
    rows: Range<usize>,
) {
    let (height, width) = products.extents;
    let (whole_height, whole_width) = (height / HEIGHT * HEIGHT, width / WIDTH * WIDTH);
    for i in (0..whole_height).step_by(HEIGHT) {
        for j in (0..whole_width).step_by(WIDTH) {
            add_block::<T, LANES, HEIGHT, WIDTH>(products, kept, matrix, rows.clone(), (i, j));
        }
        for j in whole_width..width {
            add_block::<T, LANES, HEIGHT, 1>(products, kept, matrix, rows.clone(), (i, j));
        }
    }
    for i in whole_height..height {
        for j in (0..whole_width).step_by(WIDTH) {
            add_block::<T, LANES, 1, WIDTH>(products, kept, matrix, rows.clone(), (i, j));
        }
        for j in whole_width..width {
            add_block::<T, LANES, 1, 1>(products, kept, matrix, rows.clone(), (i, j));
        }
    }
}

/// Adds the rows' products for a few places of the matrix, whose sums are in registers meanwhile.
#[inline(always)]
fn add_block<T: Element, const LANES: usize, const I: usize, const J: usize>(
    products: &Products,
    kept: Kept<'_, T>,
    matrix: &mut [f64],
    rows: Range<usize>,
    (row, column): (usize, usize),
) {
    let width = products.extents.1;
    for lane in (0..PARTIALS).step_by(LANES) {
        let place = |i: usize, j: usize| ((row + i) * width + column + j) * PARTIALS + lane;
        let mut sums = [[[0.0_f64; LANES]; J]; I];
        for i in 0..I {
            for j in 0..J {
                sums[i][j].copy_from_slice(&matrix[place(i, j)..][..LANES]);
            }
        }
        if let [(left, right)] = *products.terms {
            let left: [&[T]; I] = std::array::from_fn(|i| &kept.column(left + row + i)[rows.clone()]);
            let right: [&[T]; J] = std::array::from_fn(|j| &kept.column(right + column + j)[rows.clone()]);
            for at in (lane..rows.len()).step_by(PARTIALS) {
                let left: [[T; LANES]; I] = left.map(|column| lanes(column, at));
                let right: [[T; LANES]; J] = right.map(|column| lanes(column, at));
                for i in 0..I {
                    for j in 0..J {
                        for k in 0..LANES {
                            sums[i][j][k] += left[i][k].times(right[j][k]).to_f64();
                        }
                    }
                }
            }
        } else {
            for at in (lane..rows.len()).step_by(PARTIALS) {
                let at = rows.start + at;
                let mut terms = [[[T::default(); LANES]; J]; I];
                for (number, &(left, right)) in products.terms.iter().enumerate() {
                    let left: [[T; LANES]; I] =
                        std::array::from_fn(|i| lanes(kept.column(left + row + i), at));
                    let right: [[T; LANES]; J] =
                        std::array::from_fn(|j| lanes(kept.column(right + column + j), at));
                    for i in 0..I {
                        for j in 0..J {
                            for k in 0..LANES {
                                let term = left[i][k].times(right[j][k]);
                                let sum = &mut terms[i][j][k];
                                *sum = if number == 0 { term } else { sum.plus(term) };
                            }
                        }
                    }
                }
                for i in 0..I {
                    for j in 0..J {
                        for k in 0..LANES {
                            sums[i][j][k] += terms[i][j][k].to_f64();
                        }
                    }
                }
            }
        }
        for i in 0..I {
            for j in 0..J {
                matrix[place(i, j)..][..LANES].copy_from_slice(&sums[i][j]);
            }
        }
    }
}

/// Neighbouring numbers of a column.
#[inline(always)]
fn lanes<T: Element, const LANES: usize>(column: &[T], at: usize) -> [T; LANES] {
    let mut lanes = [T::default(); LANES];
    lanes.copy_from_slice(&column[at..][..LANES]);
    lanes
}

/// Blocks of 4 × 4 sums of single products in sixteen registers: half of what smaller ones load.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512d, _mm256_loadu_ps, _mm256_mul_ps, _mm512_add_pd, _mm512_cvtps_pd, _mm512_loadu_pd,
        _mm512_mul_pd, _mm512_setzero_pd, _mm512_storeu_pd,
    };
    use std::ops::Range;

    use super::{Kept, Products};
    use crate::abi::PARTIALS;
    use crate::element::Element;
    use crate::lanes::Precision;

    /// Rows and columns of a block.
    const SIDE: usize = 4;

    /// [`super::add_groups`] for products of one term.
    #[target_feature(enable = "avx512f,avx512vl")]
    pub(super) fn add_groups<T: Element>(
        products: &Products,
        (left, right): (usize, usize),
        kept: Kept<'_, T>,
        matrix: &mut [f64],
        rows: Range<usize>,
    ) {
        let (height, width) = products.extents;
        let (whole_height, whole_width) = (height / SIDE * SIDE, width / SIDE * SIDE);
        let column = |k: usize| &kept.column(k)[rows.clone()];
        let mut block = |i: usize, j: usize, tall: bool, broad: bool| {
            let left = |n: usize| column(left + i + n);
            let right = |n: usize| column(right + j + n);
            let sums = &mut matrix[(i * width + j) * PARTIALS..];
            match (tall, broad) {
                (true, true) => add_block::<T, SIDE, SIDE>(left, right, width, sums),
                (true, false) => add_block::<T, SIDE, 1>(left, right, width, sums),
                (false, true) => add_block::<T, 1, SIDE>(left, right, width, sums),
                (false, false) => add_block::<T, 1, 1>(left, right, width, sums),
            }
        };
        for i in (0..whole_height).step_by(SIDE) {
            (0..whole_width).step_by(SIDE).for_each(|j| block(i, j, true, true));
            (whole_width..width).for_each(|j| block(i, j, true, false));
        }
        for i in whole_height..height {
            (0..whole_width).step_by(SIDE).for_each(|j| block(i, j, false, true));
            (whole_width..width).for_each(|j| block(i, j, false, false));
        }
    }

    /// Adds columns' products to the sums of a block, in whose matrix there are `width` from a row to the next.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn add_block<'k, T: Element, const I: usize, const J: usize>(
        left: impl Fn(usize) -> &'k [T],
        right: impl Fn(usize) -> &'k [T],
        width: usize,
        sums: &mut [f64],
    ) {
        let left: [&[T]; I] = std::array::from_fn(left);
        let right: [&[T]; J] = std::array::from_fn(right);
        let rows = left[0].len();
        assert!(
            rows.is_multiple_of(PARTIALS) && left.iter().chain(&right).all(|column| column.len() == rows)
        );
        assert!(((I - 1) * width + J) * PARTIALS <= sums.len());
        let sums = sums.as_mut_ptr();
        for lane in (0..PARTIALS).step_by(LANES) {
            let place = |i: usize, j: usize| sums.wrapping_add((i * width + j) * PARTIALS + lane);
            let mut block = [[_mm512_setzero_pd(); J]; I];
            for (i, row) in block.iter_mut().enumerate() {
                for (j, sum) in row.iter_mut().enumerate() {
                    // SAFETY: the block's sums are in `sums`, as was asserted.
                    *sum = unsafe { _mm512_loadu_pd(place(i, j)) };
                }
            }
            for at in (lane..rows).step_by(PARTIALS) {
                for i in 0..I {
                    for j in 0..J {
                        // SAFETY: there are eight rows from `at` on, as rows are a multiple of sixteen.
                        let product = unsafe { product(left[i].as_ptr().add(at), right[j].as_ptr().add(at)) };
                        block[i][j] = _mm512_add_pd(block[i][j], product);
                    }
                }
            }
            for (i, row) in block.iter().enumerate() {
                for (j, &sum) in row.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { _mm512_storeu_pd(place(i, j), sum) };
                }
            }
        }
    }

    /// Numbers of a vector.
    const LANES: usize = 8;

    /// The products of eight neighbouring numbers each, rounded to their precision.
    ///
    /// # Safety
    /// There must be so many numbers at both places.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    unsafe fn product<T: Element>(left: *const T, right: *const T) -> __m512d {
        // SAFETY: as the caller promises; the precision says what the numbers are.
        unsafe {
            match T::PRECISION {
                Precision::Double => {
                    _mm512_mul_pd(_mm512_loadu_pd(left.cast()), _mm512_loadu_pd(right.cast()))
                }
                Precision::Single => {
                    let (left, right) = (_mm256_loadu_ps(left.cast()), _mm256_loadu_ps(right.cast()));
                    _mm512_cvtps_pd(_mm256_mul_ps(left, right))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<T: Element>(count: usize, rows: usize) -> Vec<Vec<T>> {
        let number =
            |k: usize, row: usize| ((k * 37 + row * 101) as f64 * 0.7).sin() * 10f64.powi((k % 5) as i32);
        (0..count).map(|k| (0..rows).map(|row| T::from_f64(number(k, row))).collect()).collect()
    }

    /// The sums of a whole call, in any place of a block and in any parts, are those of one row after the other.
    fn as_one_by_one<T: Element>() {
        for (extents, terms) in
            [((1, 1), vec![(0, 1)]), ((3, 6), vec![(0, 3)]), ((4, 9), vec![(0, 4), (13, 17), (0, 17)])]
        {
            let count = terms.iter().map(|&(l, r)| (l + extents.0).max(r + extents.1)).max().unwrap_or(0);
            let products = Products { first: 2, extents, terms };
            let sums = products.sums().end + 1;
            for (row, rows) in [(0, 64), (8, 72), (3, 5), (5, 40), (15, 1), (16, 16)] {
                let mut columns = numbers::<T>(count, rows);
                let pointers: Vec<*mut T> = columns.iter_mut().map(Vec::as_mut_ptr).collect();
                let mut found: Vec<f64> = (0..sums * PARTIALS).map(|k| (k as f64).sqrt() - 3.0).collect();
                let mut expected = found.clone();
                // SAFETY: the columns have so many rows.
                let kept = unsafe { Kept::new(&pointers, 0, rows) };
                add(std::slice::from_ref(&products), kept, &mut found, row);
                for at in 0..rows {
                    for i in 0..extents.0 {
                        for j in 0..extents.1 {
                            let mut value = None;
                            for &(left, right) in &products.terms {
                                let term = T::from_f64(
                                    kept.column(left + i)[at].to_f64() * kept.column(right + j)[at].to_f64(),
                                );
                                value = Some(
                                    value.map_or(term, |sum: T| T::from_f64(sum.to_f64() + term.to_f64())),
                                );
                            }
                            let place = products.first + i * extents.1 + j;
                            expected[place * PARTIALS + (row + at) % PARTIALS] +=
                                value.expect("a term").to_f64();
                        }
                    }
                }
                let bits = |sums: &[f64]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&found), bits(&expected), "{extents:?}, {rows} rows from {row}");
            }
        }
    }

    #[test]
    fn sums_are_those_of_one_row_after_the_other() {
        as_one_by_one::<f64>();
        // A product, or a sum, of two numbers of binary32 rounds once in binary64, too: 2·24 + 2 ≤ 53.
        as_one_by_one::<f32>();
    }

    #[test]
    fn own_sums_are_the_others() {
        let products = |first, extents| Products { first, extents, terms: vec![(0, 0)] };
        let shape = KernelShape {
            param_gradients: 20,
            products: vec![products(2, (2, 3)), products(8, (1, 4)), products(15, (1, 5))],
            ..KernelShape::default()
        };
        assert_eq!(shape.own_sums().collect::<Vec<_>>(), [0..2, 8..8, 12..15, 20..20]);
    }
}
