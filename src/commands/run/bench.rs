//! How long does a call take? The same one many times, after a few that don't count.

use std::time::{Duration, Instant};

use mfp_loader::{Answer, Call, CallError, Plugins};
use mfp_model::name::PluginName;
use serde_json::Value;

use crate::report::document::BenchDocument;

/// Calls that come first and don't count.
const WARM_UP: u32 = 100;

/// Make the call `count` times, one after the other. The first that has no answer ends it.
pub(super) fn bench(
    plugins: &Plugins,
    name: &PluginName,
    call: &Call,
    request: &Value,
    count: u32,
) -> Result<(Answer, BenchDocument), CallError> {
    let mut answer = plugins.call(name, call, request)?;
    let warm_up = WARM_UP.min(count);
    for _ in 1..warm_up {
        answer = plugins.call(name, call, request)?;
    }
    let mut times = Vec::with_capacity(count as usize);
    let began = Instant::now();
    for _ in 0..count {
        let before = Instant::now();
        answer = plugins.call(name, call, request)?;
        times.push(before.elapsed());
    }
    Ok((answer, document(began.elapsed(), warm_up, times)))
}

fn document(whole: Duration, warm_up: u32, mut times: Vec<Duration>) -> BenchDocument {
    times.sort_unstable();
    // The smallest time that so many of a hundred calls took at most.
    let at = |percent: usize| micros(times[(times.len() * percent).div_ceil(100).max(1) - 1]);
    BenchDocument {
        calls: times.len(),
        warm_up,
        calls_per_second: (f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / whole.as_secs_f64()).round(),
        p50_us: at(50),
        p90_us: at(90),
        p99_us: at(99),
        max_us: at(100),
    }
}

/// Microseconds, to the tenth.
pub(super) fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

/// As a table.
pub(super) fn table(bench: &BenchDocument) -> String {
    let BenchDocument { calls, warm_up, calls_per_second, p50_us, p90_us, p99_us, max_us } = bench;
    format!(
        "calls      {calls} (after {warm_up} that don't count)\n\
         a second   {calls_per_second}\n\
         p50        {p50_us} µs\n\
         p90        {p90_us} µs\n\
         p99        {p99_us} µs\n\
         max        {max_us} µs\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_taken() {
        let times = |count: u64| (1..=count).rev().map(Duration::from_micros).collect();
        let bench = document(Duration::from_secs(2), 100, times(1000));
        assert_eq!((bench.p50_us, bench.p90_us, bench.p99_us, bench.max_us), (500.0, 900.0, 990.0, 1000.0));
        assert!((bench.calls_per_second - 500.0).abs() < 0.1);
        let one = document(Duration::from_secs(1), 1, times(1));
        assert_eq!((one.p50_us, one.p99_us, one.max_us), (1.0, 1.0, 1.0));
    }
}
