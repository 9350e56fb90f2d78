//! Measurements of the process, as Prometheus's clients name them, from Linux's `/proc`.

use rustix::param::{clock_ticks_per_second, page_size};
use std::fs;

/// Metrics in Prometheus's text form; none where the system has no `/proc`.
pub fn render() -> String {
    read().map(|metrics| metrics.concat()).unwrap_or_default()
}

fn read() -> Option<[String; 6]> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process is in parentheses and may contain spaces.
    let fields: Vec<f64> =
        stat.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let ticks = clock_ticks_per_second() as f64;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let booted: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?;
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    Some([
        metric("process_cpu_seconds_total", "counter", "CPU time", (field(14)? + field(15)?) / ticks),
        metric("process_start_time_seconds", "gauge", "Start, in seconds since 1970", booted + field(22)? / ticks),
        metric("process_virtual_memory_bytes", "gauge", "Address space", field(23)?),
        metric("process_resident_memory_bytes", "gauge", "Memory in use", field(24)? * page_size() as f64),
        metric("process_open_fds", "gauge", "Open file descriptors", open as f64),
        metric("process_max_fds", "gauge", "Maximum open file descriptors", files.parse().unwrap_or(f64::INFINITY)),
    ])
}

fn metric(name: &str, kind: &str, help: &str, value: f64) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n")
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_is_measured() {
        let text = super::render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6 && value("process_resident_memory_bytes") < 1e11);
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"));
        assert!(value("process_start_time_seconds") > 1.5e9);
    }
}
