//! What the loader hands over: command line and boot module, by the PVH boot protocol.

use core::ffi::{CStr, c_char};
use core::{ptr, slice};

use no_std_example::exit::Exit;

use super::ending;

const MAGIC: u32 = 0x336e_c578;

/// `struct hvm_start_info` as far as it is used here.
#[repr(C)]
#[derive(Clone, Copy)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
}

/// `struct hvm_modlist_entry`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Module {
    address: u64,
    bytes: u64,
    command_line: u64,
    reserved: u64,
}

/// What the loader handed over.
#[derive(Clone, Copy)]
pub(super) struct Handover {
    pub(super) command_line: &'static str,
    /// The file; no bytes if there is no module.
    pub(super) file: &'static [u8],
}

/// Reads what the loader left in memory.
///
/// # Safety
///
/// `start_info` is the address that the loader passed, and nothing has overwritten its memory.
pub(super) unsafe fn handover(start_info: u32) -> Handover {
    // SAFETY: the loader has put a start info there, as the caller vouches.
    let info = unsafe { at::<StartInfo>(start_info.into()).read() };
    if info.magic != MAGIC {
        let magic = info.magic;
        ending::fail(
            Exit::Unsupported,
            format_args!("the image was not booted by the PVH protocol: magic {magic:#x}"),
        );
    }

    let command_line = if info.command_line == 0 {
        c""
    } else {
        // SAFETY: the start info is right, so this is the address of a C string.
        unsafe { CStr::from_ptr(at::<c_char>(info.command_line)) }
    };
    let file: &[u8] = if info.modules == 0 {
        &[]
    } else {
        // SAFETY: the start info is right, so the list has at least one entry.
        let module = unsafe { at::<Module>(info.module_list).read() };
        // SAFETY: the loader has put the module there, above the image, and nobody ever writes it.
        unsafe { slice::from_raw_parts(at(module.address), module.bytes as usize) }
    };
    Handover { command_line: command_line.to_str().unwrap_or("?"), file }
}

/// A pointer to what the loader put at a physical address, which is mapped at itself.
fn at<T>(address: u64) -> *const T {
    ptr::with_exposed_provenance(address as usize)
}
