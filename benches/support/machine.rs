//! What the machine can do: its arithmetic and its memory.

use std::hint::black_box;
use std::thread;

use serde_json::{Value, json};

use super::columns::Columns;
use super::timing::best;

/// The machine's limits.
pub struct Machine {
    processor: String,
    threads: usize,
    instructions: &'static str,
    /// GFLOP/s of one thread, by bits of a vector.
    peaks: Vec<(u32, f64)>,
    /// One thread and all threads.
    bandwidth: [Bandwidth; 2],
}

/// Bytes per second between a processor and memory, in GB/s.
#[derive(Debug, Clone, Copy)]
pub struct Bandwidth {
    /// Of reading.
    pub read: f64,
    /// Of `a = b + s·c`, two columns read and one written.
    pub triad: f64,
}

impl Machine {
    /// The name of the processor.
    pub fn name(&self) -> &str {
        &self.processor
    }

    /// Measures the machine.
    pub fn measure(quick: bool) -> Machine {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (rows, repeats) = if quick { (1 << 12, 1) } else { (1 << 24, 12) };
        Machine {
            processor: processor(),
            threads,
            instructions: instructions(),
            peaks: peaks(if quick { 1000 } else { 1_000_000 }),
            bandwidth: [1, threads].map(|threads| bandwidth(threads, rows, repeats)),
        }
    }

    /// Bandwidth of one thread and of all threads.
    pub fn bandwidth(&self) -> [Bandwidth; 2] {
        self.bandwidth
    }

    /// The most multiplications and additions in binary64 of one thread, in GFLOP/s.
    pub fn peak(&self) -> f64 {
        self.peaks.iter().fold(0.0, |most, (_, peak)| most.max(*peak))
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Prints it.
    pub fn print(&self) {
        println!("{}, threads: {}, {}", self.processor, self.threads, self.instructions);
        for (bits, peak) in &self.peaks {
            println!("  multiply-add in {bits} bits, one thread: {peak:7.1} GFLOP/s");
        }
        for (name, Bandwidth { read, triad }) in ["one thread", "all threads"].iter().zip(self.bandwidth) {
            println!("  memory, {name:<11}: read {read:6.1} GB/s, triad {triad:6.1} GB/s");
        }
    }

    /// The figures as JSON.
    pub fn json(&self) -> Value {
        let bandwidth = |b: Bandwidth| json!({ "read": b.read, "triad": b.triad });
        let peaks = self.peaks.iter().map(|(bits, peak)| json!({ "bits": bits, "gflops": peak }));
        json!({
            "processor": self.processor,
            "threads": self.threads,
            "instructions": self.instructions,
            "peak": peaks.collect::<Vec<_>>(),
            "bandwidth_gb_s": { "one": bandwidth(self.bandwidth[0]), "all": bandwidth(self.bandwidth[1]) },
        })
    }
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    name.unwrap_or(std::env::consts::ARCH).to_string()
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    use std::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512dq") && has!("avx512vl") {
        "AVX-512 F, DQ, VL"
    } else if has!("avx2") && has!("fma") {
        "AVX2 with FMA"
    } else {
        "SSE2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    std::env::consts::ARCH
}

/// How often a peak is measured: briefly and often, because the best counts.
#[cfg(target_arch = "x86_64")]
const PEAK_REPEATS: usize = 40;

/// Independent chains: more than the latency of an instruction times how many begin in a cycle.
#[cfg(target_arch = "x86_64")]
const CHAINS: usize = 12;

#[cfg(target_arch = "x86_64")]
macro_rules! chains {
    ($name:ident, $feature:literal, $set:ident, $fma:ident) => {
        /// Chains of multiply-adds.
        #[target_feature(enable = $feature)]
        fn $name(steps: usize) {
            use std::arch::x86_64::*;
            let factor = $set(black_box(0.999_999));
            let term = $set(black_box(1e-6));
            let mut chains = [$set(black_box(1.0)); CHAINS];
            for _ in 0..steps {
                for chain in &mut chains {
                    *chain = $fma(*chain, factor, term);
                }
            }
            black_box(chains);
        }
    };
}

#[cfg(target_arch = "x86_64")]
chains!(chains_512, "avx512f", _mm512_set1_pd, _mm512_fmadd_pd);
#[cfg(target_arch = "x86_64")]
chains!(chains_256, "avx2,fma", _mm256_set1_pd, _mm256_fmadd_pd);
#[cfg(target_arch = "x86_64")]
chains!(chains_128, "avx2,fma", _mm_set1_pd, _mm_fmadd_pd);

/// GFLOP/s by width; none where there are no multiply-adds.
#[cfg(target_arch = "x86_64")]
fn peaks(steps: usize) -> Vec<(u32, f64)> {
    use std::is_x86_feature_detected as has;
    let rate = |bits: u32, seconds: f64| {
        let operations = steps * CHAINS * 2 * bits as usize / 64;
        (bits, operations as f64 / seconds / 1e9)
    };
    let mut peaks = Vec::new();
    if has!("avx512f") {
        // SAFETY: the processor has the feature.
        peaks.push(rate(512, best(PEAK_REPEATS, || unsafe { chains_512(steps) })));
    }
    if has!("avx2") && has!("fma") {
        // SAFETY: the processor has the features.
        peaks.push(rate(256, best(PEAK_REPEATS, || unsafe { chains_256(steps) })));
        // SAFETY: as above.
        peaks.push(rate(128, best(PEAK_REPEATS, || unsafe { chains_128(steps) })));
    }
    peaks
}

#[cfg(not(target_arch = "x86_64"))]
fn peaks(_: usize) -> Vec<(u32, f64)> {
    Vec::new()
}

/// The bandwidth that so many threads reach together on columns that no cache holds.
fn bandwidth(threads: usize, rows: usize, repeats: usize) -> Bandwidth {
    let mut columns = Columns::of(3, rows, |k, row| (k + row) as f64);
    let bytes = (rows * size_of::<f64>()) as f64;
    let part = rows.div_ceil(threads);
    let read = best(repeats, || {
        thread::scope(|scope| {
            for k in 0..threads {
                let columns = &columns;
                scope.spawn(move || {
                    for column in columns.iter().take(2) {
                        black_box(sum(&column[(k * part).min(rows)..((k + 1) * part).min(rows)]));
                    }
                });
            }
        });
    });
    let triad = best(repeats, || {
        let mut parts = columns.iter_mut();
        let (Some(a), Some(b), Some(c)) = (parts.next(), parts.next(), parts.next()) else { return };
        thread::scope(|scope| {
            for ((a, b), c) in a.chunks_mut(part).zip(b.chunks(part)).zip(c.chunks(part)) {
                scope.spawn(move || a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + 3.0 * c));
            }
        });
    });
    Bandwidth { read: 2.0 * bytes / read / 1e9, triad: 3.0 * bytes / triad / 1e9 }
}

/// A sum in an order that leaves only the reading to wait for.
fn sum(column: &[f64]) -> f64 {
    let mut sums = [0.0; 32];
    for line in column.chunks_exact(sums.len()) {
        sums.iter_mut().zip(line).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().sum()
}
