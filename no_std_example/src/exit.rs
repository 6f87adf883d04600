//! How the image ends: codes that it writes to QEMU's `isa-debug-exit` device.

/// Why the image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every check held.
    Passed = 0x10,
    /// A check failed.
    ChecksFailed = 0x11,
    /// A panic.
    Panic = 0x21,
    /// A CPU exception.
    Exception = 0x22,
    /// The command line was not understood.
    BadCommandLine = 0x23,
    /// The machine is not one that the image can run on.
    Unsupported = 0x24,
}

// === impl Exit ===

impl Exit {
    const ALL: [Self; 6] = [
        Self::Passed,
        Self::ChecksFailed,
        Self::Panic,
        Self::Exception,
        Self::BadCommandLine,
        Self::Unsupported,
    ];

    /// What the image writes to the device.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The exit status of QEMU that tells this one; no status that QEMU ends with by itself.
    #[must_use]
    pub const fn status(self) -> i32 {
        (self as i32) << 1 | 1
    }

    /// Why the image ended, if it was the image that ended QEMU.
    #[must_use]
    pub fn from_status(status: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.status() == status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_a_status_of_its_own() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from_status(exit.status()), Some(exit));
            assert!(exit.status() > 1, "0 and 1 are QEMU's own");
        }
        assert_eq!(Exit::from_status(1), None);
    }
}
