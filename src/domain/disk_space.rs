//! Room on a disk.

/// With less than this nothing should be taken for granted: the write-ahead log alone may need some.
const MIN: u64 = 100_000_000;
/// With more than this there is room, however large the disk is.
const ENOUGH: u64 = 1_000_000_000;

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// What is left for us.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

impl DiskSpace {
    /// Less than 100 MB, or less than one part in twenty, unless that is a gigabyte: a database of some
    /// megabytes fares well on the last hundred gigabytes of a large disk.
    pub fn is_nearly_full(self) -> bool {
        self.free < MIN.max(ENOUGH.min(self.total / 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_by_what_is_left_and_by_its_size() {
        const MB: u64 = 1_000_000;
        for (free, total, is_full) in [
            (99, 1_000, true),
            (101, 1_000, false),
            (400, 10_000, true),
            (600, 10_000, false),
            (999, 4_000_000, true),
            (1_001, 4_000_000, false),
            (0, 0, true),
        ] {
            let room = DiskSpace { free: free * MB, total: total * MB };
            assert_eq!(room.is_nearly_full(), is_full, "{free} of {total} MB");
        }
    }
}
