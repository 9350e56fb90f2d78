//! The memory that the process may use.

use std::{fs, path::Path};

/// Where nothing can be read.
const UNKNOWN: u64 = 4 << 30;

/// 80% of the least of: the machine's memory, the limits of the control group (version 1 or 2), and the process's own limit of address space.
pub fn default_total() -> u64 {
    let limits = [machine(), control_group_2(), control_group_1(), address_space()];
    let least = limits.into_iter().flatten().min().unwrap_or(UNKNOWN);
    least / 5 * 4
}

fn machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The least `memory.max` of the process's group and those above it.
fn control_group_2() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    of_groups(Path::new("/sys/fs/cgroup"), group, "memory.max")
}

fn control_group_1() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == "memory").then_some(group)
    })?;
    of_groups(Path::new("/sys/fs/cgroup/memory"), group, "memory.limit_in_bytes")
}

/// The least limit in `file` of `group` and the groups above it. In a container the groups above are at the root.
fn of_groups(root: &Path, group: &str, file: &str) -> Option<u64> {
    let own = root.join(group.trim_start_matches('/'));
    let read = |folder: &Path| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    own.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(read).min()
}

fn address_space() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_a_group_and_those_above_it_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.path().join("a/memory.max"), "1000\n").unwrap();
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        assert_eq!(of_groups(root.path(), "/a/b", "memory.max"), Some(1000));
        fs::write(inner.join("memory.max"), "10\n").unwrap();
        assert_eq!(of_groups(root.path(), "/a/b", "memory.max"), Some(10));
        assert_eq!(of_groups(root.path(), "/", "memory.max"), None);
    }

    #[test]
    fn the_machine_has_some() {
        assert!((1 << 20..=machine().unwrap_or(UNKNOWN)).contains(&default_total()));
    }
}
