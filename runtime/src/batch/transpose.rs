//! Transposition of tiles between row-major matrices and columns.

use crate::element::Element;
use crate::lanes::Precision;

/// About how many numbers are handled at a time, so that they stay in the first-level cache while every column
/// passes over the rows that hold them.
const STRIP: usize = 2048;

/// Sets `dst[j · dst_stride + i]` to `src[i · src_stride + j]` for all `i` below `rows` and `j` below `columns`.
///
/// # Safety
/// All those elements must be readable in `src` and writable in `dst`, and the two must not overlap.
pub(super) unsafe fn transpose<T: Element>(
    src: *const T,
    src_stride: usize,
    dst: *mut T,
    dst_stride: usize,
    rows: usize,
    columns: usize,
) {
    // Whichever way the matrix is long, it is cut across.
    let strip_rows = (STRIP / columns.max(1)).next_multiple_of(8).max(8).min(rows.max(1));
    let strip_columns = (STRIP / strip_rows).next_multiple_of(8);
    for row in (0..rows).step_by(strip_rows) {
        for column in (0..columns).step_by(strip_columns) {
            let (rows, columns) = (strip_rows.min(rows - row), strip_columns.min(columns - column));
            // SAFETY: the piece lies within the matrices that the caller vouches for.
            unsafe {
                let (src, dst) = (src.add(row * src_stride + column), dst.add(column * dst_stride + row));
                #[cfg(target_arch = "x86_64")]
                match T::PRECISION {
                    Precision::Double if std::arch::is_x86_feature_detected!("avx") => {
                        avx::transpose(src.cast(), src_stride, dst.cast(), dst_stride, rows, columns);
                    }
                    Precision::Double => portable(src, src_stride, dst, dst_stride, rows, columns),
                    Precision::Single => {
                        sse::transpose(src.cast(), src_stride, dst.cast(), dst_stride, rows, columns);
                    }
                }
                #[cfg(not(target_arch = "x86_64"))]
                portable(src, src_stride, dst, dst_stride, rows, columns);
            }
        }
    }
}

/// [`transpose`] on any processor.
///
/// # Safety
/// As for [`transpose`]; there is at least one row.
unsafe fn portable<T: Element>(
    src: *const T,
    src_stride: usize,
    dst: *mut T,
    dst_stride: usize,
    rows: usize,
    columns: usize,
) {
    const LINE: usize = 8;
    debug_assert!(rows > 0 || columns == 0);
    for column in 0..columns {
        // SAFETY: the rows and columns are those that the caller vouches for.
        unsafe {
            let (from, to) = (src.add(column), dst.add(column * dst_stride));
            let whole = rows - rows % LINE;
            for row in (0..whole).step_by(LINE) {
                let line: [T; LINE] = std::array::from_fn(|i| *from.add((row + i) * src_stride));
                to.add(row).cast::<[T; LINE]>().write(line);
            }
            for row in whole..rows {
                *to.add(row) = *from.add(row * src_stride);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod sse {
    use std::arch::x86_64::{
        _MM_TRANSPOSE4_PS, _mm_castps_si128, _mm_castsi128_ps, _mm_loadl_epi64, _mm_loadu_ps, _mm_movelh_ps,
        _mm_shuffle_ps, _mm_storel_epi64, _mm_storeu_ps, _mm_unpackhi_epi64, _mm_unpackhi_ps,
        _mm_unpacklo_ps,
    };

    /// [`transpose`](super::transpose) of binary32 numbers in squares of 4 × 4, and what they leave.
    ///
    /// # Safety
    /// As for [`transpose`](super::transpose).
    pub(super) unsafe fn transpose(
        src: *const f32,
        src_stride: usize,
        dst: *mut f32,
        dst_stride: usize,
        rows: usize,
        columns: usize,
    ) {
        let (row_fours, fours) = (rows - rows % 4, columns - columns % 4);
        // What the squares leave: two columns to their right and two rows below them, and then single ones.
        let right = if columns - fours >= 2 { fours + 2 } else { fours };
        let below = if rows - row_fours >= 2 { row_fours + 2 } else { row_fours };
        let at = |row: usize, column: usize| {
            // SAFETY: only asked for rows and columns that the caller vouches for.
            unsafe { (src.add(row * src_stride + column), dst.add(column * dst_stride + row)) }
        };
        // SAFETY: the rows and columns are those that the caller vouches for.
        unsafe {
            for column in (0..fours).step_by(4) {
                for row in (0..row_fours).step_by(4) {
                    let (src, dst) = at(row, column);
                    square(src, src_stride, dst, dst_stride);
                }
            }
            if right > fours {
                for row in (0..row_fours).step_by(4) {
                    let (src, dst) = at(row, fours);
                    two_columns(src, src_stride, dst, dst_stride);
                }
            }
            if below > row_fours {
                for column in (0..fours).step_by(4) {
                    let (src, dst) = at(row_fours, column);
                    two_rows(src, src_stride, dst, dst_stride);
                }
            }
            let single = |row: usize, column: usize, rows: usize, columns: usize| {
                if rows > 0 && columns > 0 {
                    let (src, dst) = at(row, column);
                    super::portable(src, src_stride, dst, dst_stride, rows, columns);
                }
            };
            single(0, right, row_fours, columns - right);
            single(row_fours, fours, below - row_fours, columns - fours);
            single(below, 0, rows - below, columns);
        }
    }

    /// # Safety
    /// As for [`transpose`], four rows and two columns.
    #[inline]
    unsafe fn two_columns(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        // SAFETY: as the caller promises; none of these loads and stores needs alignment.
        unsafe {
            let row = |k: usize| _mm_castsi128_ps(_mm_loadl_epi64(src.add(k * src_stride).cast()));
            let (a, b) = (_mm_movelh_ps(row(0), row(1)), _mm_movelh_ps(row(2), row(3)));
            _mm_storeu_ps(dst, _mm_shuffle_ps::<0b10_00_10_00>(a, b));
            _mm_storeu_ps(dst.add(dst_stride), _mm_shuffle_ps::<0b11_01_11_01>(a, b));
        }
    }

    /// # Safety
    /// As for [`transpose`], two rows and four columns.
    #[inline]
    unsafe fn two_rows(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        // SAFETY: as the caller promises; none of these loads and stores needs alignment.
        unsafe {
            let (a, b) = (_mm_loadu_ps(src), _mm_loadu_ps(src.add(src_stride)));
            for (k, pairs) in [(0, _mm_unpacklo_ps(a, b)), (2, _mm_unpackhi_ps(a, b))] {
                let pairs = _mm_castps_si128(pairs);
                _mm_storel_epi64(dst.add(k * dst_stride).cast(), pairs);
                _mm_storel_epi64(dst.add((k + 1) * dst_stride).cast(), _mm_unpackhi_epi64(pairs, pairs));
            }
        }
    }

    /// # Safety
    /// As for [`transpose`], four rows and four columns.
    #[inline]
    unsafe fn square(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            let mut a = _mm_loadu_ps(src);
            let mut b = _mm_loadu_ps(src.add(src_stride));
            let mut c = _mm_loadu_ps(src.add(2 * src_stride));
            let mut d = _mm_loadu_ps(src.add(3 * src_stride));
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            _mm_storeu_ps(dst, a);
            _mm_storeu_ps(dst.add(dst_stride), b);
            _mm_storeu_ps(dst.add(2 * dst_stride), c);
            _mm_storeu_ps(dst.add(3 * dst_stride), d);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx {
    use std::arch::x86_64::{
        _mm_loadu_pd, _mm_storeu_pd, _mm_unpackhi_pd, _mm_unpacklo_pd, _mm256_loadu_pd,
        _mm256_permute2f128_pd, _mm256_storeu_pd, _mm256_unpackhi_pd, _mm256_unpacklo_pd,
    };
    use std::ops::Range;

    /// [`transpose`](super::transpose) in squares of 4 × 4, then 2 × 2, then single numbers.
    ///
    /// # Safety
    /// As for [`transpose`](super::transpose); the processor must have AVX.
    #[target_feature(enable = "avx")]
    pub(super) unsafe fn transpose(
        src: *const f64,
        src_stride: usize,
        dst: *mut f64,
        dst_stride: usize,
        rows: usize,
        columns: usize,
    ) {
        let at = |row: usize, column: usize| {
            // SAFETY: the rows and columns are those that the caller vouches for.
            unsafe { (src.add(row * src_stride + column), dst.add(column * dst_stride + row)) }
        };
        let (fours, twos) = (columns - columns % 4, columns - columns % 2);
        let (row_fours, row_twos) = (rows - rows % 4, rows - rows % 2);
        cover(0..row_fours, 0..fours, 4, |row, column| {
            let (src, dst) = at(row, column);
            // SAFETY: four rows and columns from here on are among those that the caller vouches for.
            unsafe { square_4(src, src_stride, dst, dst_stride) };
        });
        // What the larger squares leave: rows below them, columns to their right.
        for (rows, columns) in [(row_fours..row_twos, 0..fours), (0..row_twos, fours..twos)] {
            cover(rows, columns, 2, |row, column| {
                let (src, dst) = at(row, column);
                // SAFETY: two rows and columns from here on are among those that the caller vouches for.
                unsafe { square_2(src, src_stride, dst, dst_stride) };
            });
        }
        for (rows, columns) in [(row_twos..rows, 0..twos), (0..rows, twos..columns)] {
            cover(rows, columns, 1, |row, column| {
                let (src, dst) = at(row, column);
                // SAFETY: the row and column are among those that the caller vouches for.
                unsafe { *dst = *src };
            });
        }
    }

    /// Calls `square` for every `edge`-th row and column, the longer of the two innermost.
    #[inline]
    #[target_feature(enable = "avx")]
    fn cover(rows: Range<usize>, columns: Range<usize>, edge: usize, square: impl Fn(usize, usize)) {
        if rows.len() >= columns.len() {
            for column in columns.step_by(edge) {
                for row in rows.clone().step_by(edge) {
                    square(row, column);
                }
            }
        } else {
            for row in rows.step_by(edge) {
                for column in columns.clone().step_by(edge) {
                    square(row, column);
                }
            }
        }
    }

    /// # Safety
    /// As for [`transpose`], four rows and four columns.
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn square_4(src: *const f64, src_stride: usize, dst: *mut f64, dst_stride: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            let a = _mm256_loadu_pd(src);
            let b = _mm256_loadu_pd(src.add(src_stride));
            let c = _mm256_loadu_pd(src.add(2 * src_stride));
            let d = _mm256_loadu_pd(src.add(3 * src_stride));
            // Columns 0 and 2, then 1 and 3, of two rows each.
            let (ab_even, ab_odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (cd_even, cd_odd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            _mm256_storeu_pd(dst, _mm256_permute2f128_pd::<0x20>(ab_even, cd_even));
            _mm256_storeu_pd(dst.add(dst_stride), _mm256_permute2f128_pd::<0x20>(ab_odd, cd_odd));
            _mm256_storeu_pd(dst.add(2 * dst_stride), _mm256_permute2f128_pd::<0x31>(ab_even, cd_even));
            _mm256_storeu_pd(dst.add(3 * dst_stride), _mm256_permute2f128_pd::<0x31>(ab_odd, cd_odd));
        }
    }

    /// # Safety
    /// As for [`transpose`], two rows and two columns.
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn square_2(src: *const f64, src_stride: usize, dst: *mut f64, dst_stride: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            let (a, b) = (_mm_loadu_pd(src), _mm_loadu_pd(src.add(src_stride)));
            _mm_storeu_pd(dst, _mm_unpacklo_pd(a, b));
            _mm_storeu_pd(dst.add(dst_stride), _mm_unpackhi_pd(a, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Transpose<T> = unsafe fn(*const T, usize, *mut T, usize, usize, usize);

    fn check<T: Element>(transpose: Transpose<T>) {
        for rows in (0..20).chain([255, 256, 257, 600]) {
            for columns in (0..20).chain([2048, 2049, 4104]) {
                let (src_stride, dst_stride) = (columns + 3, rows + 5);
                let src: Vec<T> = (0..rows * src_stride).map(|i| T::from_f64(i as f64)).collect();
                let mut dst = vec![T::from_f64(-1.0); columns * dst_stride];
                // SAFETY: both vectors hold whole strides.
                unsafe { transpose(src.as_ptr(), src_stride, dst.as_mut_ptr(), dst_stride, rows, columns) };
                for j in 0..columns {
                    for i in 0..dst_stride {
                        let expected = if i < rows { src[i * src_stride + j] } else { T::from_f64(-1.0) };
                        assert_eq!(dst[j * dst_stride + i], expected);
                    }
                }
            }
        }
    }

    /// [`portable`], or nothing.
    unsafe fn some<T: Element>(
        src: *const T,
        src_stride: usize,
        dst: *mut T,
        dst_stride: usize,
        rows: usize,
        columns: usize,
    ) {
        if rows > 0 {
            // SAFETY: as the caller promises.
            unsafe { portable(src, src_stride, dst, dst_stride, rows, columns) }
        }
    }

    #[test]
    fn many_sizes() {
        check(transpose::<f64>);
        check(transpose::<f32>);
    }

    #[test]
    fn many_sizes_on_any_processor() {
        check(some::<f64>);
        check(some::<f32>);
    }
}
