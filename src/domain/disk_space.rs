/// Always too little: the write-ahead log alone may need some.
const MIN: u64 = 100_000_000;
/// Always enough, however large the disk is.
const ENOUGH: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Available to Dropday.
    pub free: u64,
    pub total: u64,
}

impl DiskSpace {
    /// Less than 100 MB, or less than 5 % unless that is more than 1 GB.
    pub fn is_nearly_full(self) -> bool {
        self.free < MIN.max(ENOUGH.min(self.total / 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_full_depends_on_free_space_and_size() {
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
