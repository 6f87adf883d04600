//! Descriptor tables: one GDT and IDT for all CPUs, a task state with interrupt stacks for each.

use no_std_example::cpu::{CpuId, MAX_CPUS, PerCpu};
use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment as _};
use x86_64::instructions::tables::{lidt, load_tss};
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;

use super::boot::{self, Stack};

/// The vector of the timer interrupt.
pub(super) const TIMER_VECTOR: u8 = 32;
/// The vector that a local APIC uses when an interrupt vanishes before it is taken.
pub(super) const SPURIOUS_VECTOR: u8 = 255;

const EXCEPTION_VECTORS: usize = 32;
const INTERRUPT_STACK_BYTES: usize = 16 * 1024;

/// Null, code, data, and two entries for each CPU's task state.
const GDT_ENTRIES: usize = 3 + 2 * MAX_CPUS;

/// A stack for the timer and one for exceptions, so that a tick may fault.
static INTERRUPT_STACKS: PerCpu<[Stack<INTERRUPT_STACK_BYTES>; 2]> =
    PerCpu([const { [const { Stack::new() }; 2] }; MAX_CPUS]);
static TASK_STATES: Once<PerCpu<TaskStateSegment>> = Once::new();
static SEGMENTS: Once<Segments> = Once::new();
static GATES: Once<[Gate; 256]> = Once::new();

/// The GDT and what it has where.
struct Segments {
    table: GlobalDescriptorTable<GDT_ENTRIES>,
    code: SegmentSelector,
    data: SegmentSelector,
    task_states: PerCpu<SegmentSelector>,
}

/// Which of a task state's stacks a gate switches to.
#[derive(Clone, Copy)]
enum StackIndex {
    Timer = 0,
    Exception = 1,
}

/// An entry of the IDT.
#[derive(Clone, Copy)]
#[repr(C)]
struct Gate([u64; 2]);

/// Loads the tables on the calling CPU, building them if it is the first.
pub(super) fn load(cpu: CpuId) {
    let segments = SEGMENTS.call_once(Segments::new);
    let gates = GATES.call_once(|| gates(segments.code));

    segments.table.load();
    // SAFETY: the selector is that of the code segment in the table just loaded.
    unsafe { CS::set_reg(segments.code) };
    for set_data in [DS::set_reg, ES::set_reg, SS::set_reg] {
        // SAFETY: the selector is that of the data segment in the table just loaded.
        unsafe { set_data(segments.data) };
    }
    // SAFETY: the selector is that of this CPU's task state, which no other CPU loads.
    unsafe { load_tss(segments.task_states[cpu]) };

    let pointer = DescriptorTablePointer {
        limit: size_of_val(gates) as u16 - 1,
        base: VirtAddr::from_ptr(gates),
    };
    // SAFETY: the table lives forever, and each present gate leads to code made for its vector.
    unsafe { lidt(&pointer) };
}

fn task_states() -> PerCpu<TaskStateSegment> {
    let mut states = [const { TaskStateSegment::new() }; MAX_CPUS];
    for (state, stacks) in states.iter_mut().zip(&INTERRUPT_STACKS.0) {
        let mut tops = [VirtAddr::zero(); 7];
        for (top, stack) in tops.iter_mut().zip(stacks) {
            *top = VirtAddr::new(stack.top());
        }
        state.interrupt_stack_table = tops;
    }
    PerCpu(states)
}

fn gates(code: SegmentSelector) -> [Gate; 256] {
    let mut gates = [Gate([0; 2]); 256];
    for (vector, gate) in gates.iter_mut().enumerate().take(EXCEPTION_VECTORS) {
        *gate = Gate::new(code, boot::exception_entry(vector), StackIndex::Exception);
    }
    let mut set = |vector: u8, entry| {
        if let Some(gate) = gates.get_mut(usize::from(vector)) {
            *gate = Gate::new(code, entry, StackIndex::Timer);
        }
    };
    set(TIMER_VECTOR, boot::timer_entry());
    set(SPURIOUS_VECTOR, boot::spurious_entry());
    gates
}

// === impl Segments ===

impl Segments {
    fn new() -> Self {
        let mut table = GlobalDescriptorTable::empty();
        let code = table.append(Descriptor::kernel_code_segment());
        let data = table.append(Descriptor::kernel_data_segment());
        let states = TASK_STATES.call_once(task_states);
        let task_states =
            PerCpu(states.0.each_ref().map(|state| table.append(Descriptor::tss_segment(state))));
        Self { table, code, data, task_states }
    }
}

// === impl Gate ===

impl Gate {
    /// A gate for which the CPU disables interrupts and switches to the stack.
    fn new(code: SegmentSelector, entry: u64, stack: StackIndex) -> Self {
        const PRESENT_INTERRUPT_GATE: u64 = 0x8e << 40;
        let low = entry & 0xffff | (entry >> 16 & 0xffff) << 48;
        // In a gate, stacks are counted from 1.
        let stack = (stack as u64 + 1) << 32;
        Self([low | u64::from(code.0) << 16 | stack | PRESENT_INTERRUPT_GATE, entry >> 32])
    }
}
