# From the loader's 32-bit entry to Rust, for the first CPU and for all others, and the first
# instructions of every interrupt. Operands in braces come from boot.rs.
#
# All CPUs share one page table: the first 4 GiB at their own addresses, in pages of 2 MiB.

.set CODE, 0x08                         # selectors of boot_gdt
.set DATA, 0x10
.set CR4_PAE_OSFXSR_OSXMMEXCPT, 0x620   # long mode needs PAE, Rust needs SSE
.set MSR_EFER, 0xc0000080
.set EFER_LME, 0x100
.set CR0_CD_NW_EM, 0x60000004
.set CR0_PG_MP_PE, 0x80000003
.set PAGE_PRESENT_WRITE, 0x03
.set PAGE_LARGE_PRESENT_WRITE, 0x83
.set PAGE_UNCACHED, 0x18

# --- The note by which QEMU finds the entry: XEN_ELFNOTE_PHYS32_ENTRY -----------------------------
.section .note.pvh, "a", @note
.balign 4
.long 4, 8, 18                          # bytes of the name, bytes of the address, type
.asciz "Xen"
.quad start32

# --- The first CPU: protected mode, no paging, ebx -> start info -----------------------------------
.section .text.boot, "ax", @progbits
.code32
.globl start32
start32:
    cli
    cld
    mov ebp, ebx

    mov dword ptr [pml4], offset pdpt + PAGE_PRESENT_WRITE
    mov dword ptr [pdpt], offset pds + PAGE_PRESENT_WRITE
    mov dword ptr [pdpt + 8], offset pds + 0x1000 + PAGE_PRESENT_WRITE
    mov dword ptr [pdpt + 16], offset pds + 0x2000 + PAGE_PRESENT_WRITE
    mov dword ptr [pdpt + 24], offset pds + 0x3000 + PAGE_PRESENT_WRITE
    mov edi, offset pds
    mov eax, PAGE_LARGE_PRESENT_WRITE
    mov ecx, 2048
1:  mov dword ptr [edi], eax
    mov dword ptr [edi + 4], 0
    add eax, 0x200000
    add edi, 8
    dec ecx
    jnz 1b
    or dword ptr [pds + 8 * 0x7f6], PAGE_UNCACHED   # 0xfed00000: HPET
    or dword ptr [pds + 8 * 0x7f7], PAGE_UNCACHED   # 0xfee00000: local APIC

    mov eax, offset pml4
    mov cr3, eax
    mov eax, cr4
    or eax, CR4_PAE_OSFXSR_OSXMMEXCPT
    mov cr4, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, cr0
    and eax, ~CR0_CD_NW_EM
    or eax, CR0_PG_MP_PE
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    jmp fword ptr [to_start64]

.code64
start64:
    mov edi, ebp                        # start info
    lea rsp, [rip + {stacks} + {STACK_BYTES}]
    call flat_segments
    xor ebp, ebp                        # no caller
    call {first_cpu}
    ud2

# --- The others, once the trampoline has brought them here -----------------------------------------
other_cpu64:
    mov edi, 1
    lock xadd dword ptr [rip + next_cpu], edi       # this CPU's number, from 1
    lea eax, [edi + 1]
    imul rax, rax, {STACK_BYTES}
    lea rsp, [rip + {stacks}]
    add rsp, rax
    call flat_segments
    xor ebp, ebp
    call {other_cpu}
    ud2

flat_segments:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    ret

# --- The timer interrupt ---------------------------------------------------------------------------
# It runs on a stack of its own (the interrupted code uses its red zone) and keeps what a Rust
# function may change: the caller-saved registers and the state of the SSE unit.
.globl timer_interrupt
timer_interrupt:
    push rbp
    mov rbp, rsp
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    sub rsp, 512 + 8
    and rsp, -16
    fxsave64 [rsp]
    cld
    call {timer_tick}
    fxrstor64 [rsp]
    lea rsp, [rbp - 9 * 8]
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    pop rbp
.globl spurious_interrupt
spurious_interrupt:
    iretq

# --- CPU exceptions: 32 stubs, 16 bytes each ------------------------------------------------------
# Each leaves vector and error code on the stack; where the CPU pushes no error code, 0.
.macro EXCEPTION vector
.balign 16
    .if ((0x60227d00 >> \vector) & 1) == 0
    push 0
    .endif
    push \vector
    jmp exception_common
.endm
.balign 16
.globl exception_stubs
exception_stubs:
.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    EXCEPTION \vector
.endr
.irp vector, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    EXCEPTION \vector
.endr
exception_common:
    mov rdi, rsp
    and rsp, -16
    cld
    call {exception}
    ud2

# --- The trampoline: copied below 1 MiB, where the other CPUs start in real mode ------------------
# Nothing in it needs a stack, so that all of them may run it at once.
.section .rodata.boot, "a", @progbits
.code16
.balign 16
.globl trampoline
trampoline:
    cli
    cld
    xor ax, ax
    mov ds, ax
    lgdtd [TRAMPOLINE_GDT_POINTER]
    mov eax, CR4_PAE_OSFXSR_OSXMMEXCPT
    mov cr4, eax
    mov eax, offset pml4
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME
    wrmsr
    mov eax, CR0_PG_MP_PE               # from real mode to long mode in one step
    mov cr0, eax
    jmp fword ptr [TRAMPOLINE_TO_OTHER_CPU64]
.balign 8
trampoline_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
trampoline_to_other_cpu64:
    .long other_cpu64
    .word CODE
.globl trampoline_end
trampoline_end:
.set TRAMPOLINE_GDT_POINTER, {TRAMPOLINE} + trampoline_gdt_pointer - trampoline
.set TRAMPOLINE_TO_OTHER_CPU64, {TRAMPOLINE} + trampoline_to_other_cpu64 - trampoline

.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9a000000ffff            # CODE: 64 bits
    .quad 0x00cf92000000ffff            # DATA
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
to_start64:
    .long start64
    .word CODE

# --- Tables and the number for the next CPU -------------------------------------------------------
.section .bss.boot, "aw", @nobits
.balign 4096
pml4:
    .skip 4096
pdpt:
    .skip 4096
pds:
    .skip 4 * 4096

.section .data.boot, "aw", @progbits
.balign 4
next_cpu:
    .long 1

.text
.code64
