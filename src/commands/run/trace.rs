//! `--trace`: what a call did and cost, for a person and for `--json`.

use mfp_loader::{CodeOrigin, HostCall, Trace};

use super::bench::micros;
use crate::report::document::{HostCallDocument, TraceDocument};
use crate::report::{plural, size};

/// The same for programs.
pub(super) fn document(trace: &Trace, origin: Option<CodeOrigin>) -> TraceDocument {
    let host_call = |call: &HostCall| HostCallDocument {
        name: call.name.to_owned(),
        sent_bytes: call.sent,
        received_bytes: call.received,
        time_us: micros(call.time),
    };
    TraceDocument {
        wall_us: micros(trace.wall),
        start_us: micros(trace.start),
        guest_us: micros(trace.wall.saturating_sub(trace.start).saturating_sub(trace.host_time)),
        host_us: micros(trace.host_time),
        ticks: trace.ticks,
        memory_peak_bytes: trace.memory_peak,
        code: match origin {
            Some(CodeOrigin::Compiled) => "compiled",
            Some(CodeOrigin::Cache) => "cache",
            None => "remote",
        },
        host_calls: trace.host_calls.iter().map(host_call).collect(),
        more_host_calls: trace.more_host_calls,
    }
}

/// A few lines for stderr.
pub(super) fn text(trace: &TraceDocument) -> String {
    let code = match trace.code {
        "compiled" => "compiled now",
        "cache" => "from the cache",
        _ => "a service's own",
    };
    let all_host_calls = usize::try_from(trace.more_host_calls).unwrap_or(usize::MAX).saturating_add(trace.host_calls.len());
    let mut lines = vec![
        format!("code      {code}"),
        format!("time      {} µs: start {}, guest {}, host {}", trace.wall_us, trace.start_us, trace.guest_us, trace.host_us),
        format!("ticks     {} of 10 ms in guest code", trace.ticks),
        format!("memory    {} at most", size(trace.memory_peak_bytes)),
        format!("asked of the host: {}", plural(all_host_calls, "call")),
    ];
    lines.extend(trace.host_calls.iter().map(|call| {
        let HostCallDocument { name, sent_bytes, received_bytes, time_us } = call;
        format!("  {name:<8} {sent_bytes} B sent, {received_bytes} B received, {time_us} µs")
    }));
    if trace.more_host_calls > 0 {
        lines.push(format!("  and {} more", trace.more_host_calls));
    }
    lines.join("\n")
}
