//! Columns of numbers in memory.

use nc_runtime::batch::{Sink, Source};

/// Numbers in a cache line.
pub const LINE: usize = 64 / size_of::<f64>();

/// Columns of equal length, each of which begins with a cache line.
pub struct Columns {
    data: Vec<f64>,
    first: usize,
    stride: usize,
    rows: usize,
    count: usize,
}

impl Columns {
    /// Columns of zeros.
    pub fn zeros(count: usize, rows: usize) -> Columns {
        let stride = rows.next_multiple_of(LINE).max(LINE);
        let data = vec![0.0; count * stride + LINE];
        let first = data.as_ptr().align_offset(LINE * size_of::<f64>());
        Columns { data, first, stride, rows, count }
    }

    /// The numbers that a function of column and row gives.
    pub fn of(count: usize, rows: usize, number: impl Fn(usize, usize) -> f64) -> Columns {
        let mut columns = Columns::zeros(count, rows);
        for (k, column) in columns.iter_mut().enumerate() {
            column.iter_mut().enumerate().for_each(|(row, slot)| *slot = number(k, row));
        }
        columns
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The columns in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        let columns = self.data[self.first..].chunks_exact(self.stride).take(self.count);
        columns.map(|column| &column[..self.rows])
    }

    /// All columns, to be written.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        let columns = self.data[self.first..].chunks_exact_mut(self.stride).take(self.count);
        columns.map(|column| &mut column[..self.rows])
    }

    /// The columns as a kernel's input.
    pub fn sources(&self) -> Vec<Source<'_>> {
        self.iter().map(Source::Column).collect()
    }

    /// The columns as a kernel's output.
    pub fn sinks(&mut self) -> Vec<Sink<'_>> {
        self.iter_mut().map(Sink::Column).collect()
    }

    /// The columns at these positions.
    pub fn picked(&self, order: &[usize]) -> Columns {
        let columns: Vec<&[f64]> = self.iter().collect();
        Columns::of(order.len(), self.rows, |k, row| columns[order[k]][row])
    }

    /// The largest difference from other columns, relative to the largest number of each column.
    pub fn difference(&self, other: &Columns) -> f64 {
        let of_column = |(a, b): (&[f64], &[f64])| {
            let scale = a.iter().filter(|x| x.is_finite()).fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
            let pairs = a.iter().zip(b).filter(|(x, y)| x.is_finite() || y.is_finite());
            pairs.fold(0.0, |m: f64, (x, y)| m.max((x - y).abs() / scale))
        };
        self.iter().zip(other.iter()).map(of_column).fold(0.0, f64::max)
    }
}

impl std::ops::Index<usize> for Columns {
    type Output = [f64];
    fn index(&self, k: usize) -> &[f64] {
        &self.data[self.first + k * self.stride..][..self.rows]
    }
}

/// A number from 0 to 1, the same for a column and row in every run.
pub fn uniform(column: usize, row: usize) -> f64 {
    // Splitmix64.
    let mut z = ((column as u64) << 40 ^ row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 * (-53f64).exp2()
}
