//! What Linux says of a process, and of the machine.

use std::fs;
use std::time::Duration;

use crate::Failure;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident set (`VmRSS`).
    pub(crate) resident: u64,
    /// Of that: its own, not from files (`RssAnon`).
    pub(crate) anonymous: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| -> Result<u64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let line = line.ok_or_else(|| format!("no {name} in the status"))?;
            let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
            Ok(kib * 1024)
        };
        Ok(Self {
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
        })
    }
}

/// `7.4 MiB`
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Processor time, in user and kernel, of a process or (`self/task/1`) a thread.
pub(crate) fn cpu(of: &str) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{of}/stat"))?;
    // The second field, a name in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')').ok_or("no name in the stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| -> Result<u64, Failure> {
        Ok(fields.get(index).ok_or("a short stat")?.parse()?)
    };
    // utime and stime, fields 14 and 15 of proc(5), in hundredths of a second.
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// The id of this thread, as /proc has it.
pub(crate) fn this_thread() -> Result<String, Failure> {
    let link = fs::read_link("/proc/thread-self")?;
    Ok(link.to_string_lossy().into_owned())
}

/// Processor, cores and kernel.
pub(crate) fn machine() -> String {
    let first = |path: &str, field: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(field));
        let value = line.map(|line| line.rsplit_once(": ").map_or(line, |(_, value)| value));
        value.unwrap_or("unknown").to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = first("/proc/cpuinfo", "model name");
    let kernel = first("/proc/sys/kernel/osrelease", "");
    format!("{model}, {cores} cores, Linux {kernel}")
}
