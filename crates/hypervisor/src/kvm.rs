//! Whether KVM works, found by running a guest of a few bytes: a device node that opens proves nothing
//! (broken, filtered and nested ones exist). The guest runs in a child process, so that one that hangs
//! in the kernel holds nobody up.
//!
//! Numbers and structures: Linux' `include/uapi/linux/kvm.h` and `arch/x86/include/uapi/asm/kvm.h`.
#![expect(unsafe_code, reason = "fork, ioctl and mmap have no safe form")]

use std::arch::x86_64::__cpuid;
use std::ffi::CStr;
use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libc::c_int;

const DEVICE: &CStr = c"/dev/kvm";
/// A guest that works needs about a millisecond; slow nested ones some more.
const PATIENCE: Duration = Duration::from_secs(3);

const KVM_GET_API_VERSION: libc::c_ulong = 0xae00;
const KVM_CREATE_VM: libc::c_ulong = 0xae01;
const KVM_GET_SUPPORTED_CPUID: libc::c_ulong = 0xc008_ae05;
const KVM_SET_CPUID2: libc::c_ulong = 0x4008_ae90;
const KVM_GET_VCPU_MMAP_SIZE: libc::c_ulong = 0xae04;
const KVM_CREATE_VCPU: libc::c_ulong = 0xae41;
const KVM_SET_USER_MEMORY_REGION: libc::c_ulong = 0x4020_ae46;
const KVM_RUN: libc::c_ulong = 0xae80;
const KVM_GET_REGS: libc::c_ulong = 0x8090_ae81;
const KVM_SET_REGS: libc::c_ulong = 0x4090_ae82;
const KVM_GET_SREGS: libc::c_ulong = 0x8138_ae83;
const KVM_SET_SREGS: libc::c_ulong = 0x4138_ae84;
const KVM_API_VERSION: c_int = 12;
const KVM_EXIT_HLT: u32 = 5;

/// Guest memory: three page tables that map the first 2 MiB to themselves, then the code.
const MEMORY: usize = 0x4000;
const MEMORY_ADDRESS: u64 = 0x1000;
const TABLES: [(usize, u64); 3] = [(0, 0x2003), (0x1000, 0x3003), (0x2000, 0x83)];
const CODE_OFFSET: usize = 0x3000;
const CODE_ADDRESS: u64 = 0x4000;
/// `movq xmm0, rax; movq xmm1, rbx; paddq xmm0, xmm1; movq rax, xmm0; hlt`, in 64-bit mode. Any
/// x86-64 processor executes `paddq`; KVM's instruction emulator does not know it. So this fails under
/// a KVM that emulates every instruction, which real guests fail under too, only later.
const CODE: [u8; 20] = [
    0x66, 0x48, 0x0f, 0x6e, 0xc0, 0x66, 0x48, 0x0f, 0x6e, 0xcb, 0x66, 0x0f, 0xd4, 0xc1, 0x66, 0x48,
    0x0f, 0x7e, 0xc0, 0xf4,
];
const AUGEND: u64 = 19;
const ADDEND: u64 = 23;

/// Steps of the probe; a failing child exits with the step's number.
const STEPS: [&str; 8] = [
    "",
    "it can't be opened a second time",
    "it has another API version",
    "it refused to create a VM",
    "it refused to give the VM memory",
    "it refused to create a vCPU",
    "it refused to set the vCPU's registers",
    "it does not run guest code on the processor",
];

/// Why KVM can't be used; a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

#[repr(C)]
#[derive(Default)]
struct MemoryRegion {
    slot: u32,
    flags: u32,
    guest_address: u64,
    size: u64,
    host_address: u64,
}

/// `struct kvm_regs`: 18 registers; `rax` is the first, `rip` and `rflags` the last two.
type Registers = [u64; 18];
const RAX: usize = 0;
const RBX: usize = 1;
const RIP: usize = 16;
const RFLAGS: usize = 17;

/// `struct kvm_sregs` as words: eight segments of three, two tables of two, then control registers.
type SpecialRegisters = [u64; 39];
const CS: usize = 0;
const DATA_SEGMENTS: [usize; 5] = [3, 6, 9, 12, 15];
const CR0: usize = 28;
const CR3: usize = 30;
const CR4: usize = 31;
const EFER: usize = 33;
/// Base; limit, selector, type and presence; privilege, size, kind, long mode, granularity.
const CODE_SEGMENT: [u64; 3] = [0, 0x010b_0008_ffff_ffff, 0x0001_0101_0000];
const DATA_SEGMENT: [u64; 3] = [0, 0x0103_0010_ffff_ffff, 0x0001_0001_0100];
/// Protected mode, paging, native floating-point errors.
const CR0_LONG_MODE: u64 = 0x8005_0033;
/// Physical address extension, SSE.
const CR4_LONG_MODE: u64 = 0x620;
/// Long mode enabled and active.
const EFER_LONG_MODE: u64 = 0x500;

/// `struct kvm_cpuid2` with room for 128 entries of 40 bytes.
#[repr(C)]
struct CpuId {
    entries: u32,
    padding: u32,
    content: [u32; 10 * 128],
}

/// Runs the guest; without a device node, it loads the kernel's module first, because a boot does so only when all
/// else is up. Takes about a millisecond where KVM works, three seconds at most.
pub fn probe() -> Result<(), Unusable> {
    let path = "/dev/kvm";
    let absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    let open = || OpenOptions::new().read(true).write(true).open(path);
    let opened = open().or_else(|error| {
        if absent(&error) && load_module() {
            return open();
        }
        Err(error)
    });
    match opened {
        Ok(_) => {}
        Err(error) if absent(&error) => return Err(Unusable(format!("there is no {path}"))),
        Err(error) => return Err(Unusable(format!("{path} can't be opened: {error}"))),
    }
    // SAFETY: the child makes system calls only and leaves by _exit: it takes no lock and no memory
    // that another thread may hold.
    let child = unsafe { libc::fork() };
    match child {
        0 => {
            let step = match guest() {
                Ok(()) => 0,
                Err(step) => step,
            };
            // SAFETY: ends this process; nothing of Rust runs after it.
            unsafe { libc::_exit(step) }
        }
        -1 => {
            let error = std::io::Error::last_os_error();
            Err(Unusable(format!("the probe could not be started: {error}")))
        }
        child => judge(child),
    }
}

/// Whether the module for this processor is loaded now. Without virtualization, or without leave, it is not.
fn load_module() -> bool {
    // CPUID: leaf 1, ECX bit 5 is VMX; leaf 8000_0001h, ECX bit 2 is SVM.
    let module = if __cpuid(1).ecx & 1 << 5 != 0 {
        "kvm_intel"
    } else if __cpuid(0x8000_0000).eax > 0x8000_0000 && __cpuid(0x8000_0001).ecx & 1 << 2 != 0 {
        "kvm_amd"
    } else {
        return false;
    };
    Command::new("modprobe")
        .args(["--quiet", module])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Waits for the child and says what its end means.
fn judge(child: libc::pid_t) -> Result<(), Unusable> {
    let deadline = Instant::now() + PATIENCE;
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call; the child is ours and not waited for elsewhere.
        let waited = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if waited == child {
            break;
        }
        if waited == -1 {
            return Err(Unusable("the probe's outcome was lost".into()));
        }
        if Instant::now() > deadline {
            // SAFETY: the child has not been waited for, so the number is still its own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            return Err(Unusable("a probe guest hung under KVM".into()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if !libc::WIFEXITED(status) {
        return Err(Unusable("a probe guest made its process crash".into()));
    }
    match STEPS.get(usize::try_from(libc::WEXITSTATUS(status)).unwrap_or(usize::MAX)) {
        Some(&"") => Ok(()),
        Some(text) => Err(Unusable(format!("KVM is there, but {text}"))),
        None => Err(Unusable("the probe's outcome was not understood".into())),
    }
}

/// The child: four pages, one vCPU, five instructions. On failure the number of the step.
fn guest() -> Result<(), c_int> {
    // SAFETY: system calls on descriptors made here; every pointer is to a live value of the size that
    // the request's number encodes; mappings stay until the process ends.
    unsafe {
        let kvm = check(
            libc::open(DEVICE.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC),
            1,
        )?;
        if libc::ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION {
            return Err(2);
        }
        let vm = check(libc::ioctl(kvm, KVM_CREATE_VM, 0), 3)?;
        memory(vm)?;
        let vcpu = check(libc::ioctl(vm, KVM_CREATE_VCPU, 0), 5)?;
        let length = check(libc::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), 5)?;
        let run = map(
            usize::try_from(length).map_err(|_| 5)?,
            libc::MAP_SHARED,
            vcpu,
        )
        .ok_or(5)?;
        registers(kvm, vcpu)?;
        check(libc::ioctl(vcpu, KVM_RUN, 0), 7)?;
        // `exit_reason` of `struct kvm_run`, after eight bytes of flags.
        let exit_reason = run.add(8).cast::<u32>().read_volatile();
        let mut registers: Registers = [0; 18];
        check(libc::ioctl(vcpu, KVM_GET_REGS, &raw mut registers), 7)?;
        let right = exit_reason == KVM_EXIT_HLT && registers[RAX] == AUGEND + ADDEND;
        if right { Ok(()) } else { Err(7) }
    }
}

/// Gives the VM its page tables and code.
fn memory(vm: c_int) -> Result<(), c_int> {
    let memory = map(MEMORY, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1).ok_or(4)?;
    let region = MemoryRegion {
        guest_address: MEMORY_ADDRESS,
        size: MEMORY as u64,
        host_address: memory as u64,
        ..MemoryRegion::default()
    };
    // SAFETY: all offsets lie in the mapping and are aligned; the region describes the mapping.
    unsafe {
        for (offset, entry) in TABLES {
            memory.add(offset).cast::<u64>().write(entry);
        }
        memory
            .add(CODE_OFFSET)
            .copy_from_nonoverlapping(CODE.as_ptr(), CODE.len());
        check(
            libc::ioctl(vm, KVM_SET_USER_MEMORY_REGION, &raw const region),
            4,
        )?;
    }
    Ok(())
}

/// Points the vCPU at the code, in 64-bit mode.
fn registers(kvm: c_int, vcpu: c_int) -> Result<(), c_int> {
    let mut features = CpuId {
        entries: 128,
        padding: 0,
        content: [0; 1280],
    };
    let mut special: SpecialRegisters = [0; 39];
    let mut general: Registers = [0; 18];
    general[RAX] = AUGEND;
    general[RBX] = ADDEND;
    general[RIP] = CODE_ADDRESS;
    general[RFLAGS] = 2;
    // SAFETY: the arrays have the sizes (312 and 144 bytes) that the requests' numbers encode, and
    // `features` has room for the entries that it claims.
    unsafe {
        check(
            libc::ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &raw mut features),
            6,
        )?;
        check(libc::ioctl(vcpu, KVM_SET_CPUID2, &raw const features), 6)?;
        check(libc::ioctl(vcpu, KVM_GET_SREGS, &raw mut special), 6)?;
        special[CS..CS + 3].copy_from_slice(&CODE_SEGMENT);
        for segment in DATA_SEGMENTS {
            special[segment..segment + 3].copy_from_slice(&DATA_SEGMENT);
        }
        special[CR0] = CR0_LONG_MODE;
        special[CR3] = MEMORY_ADDRESS;
        special[CR4] = CR4_LONG_MODE;
        special[EFER] = EFER_LONG_MODE;
        check(libc::ioctl(vcpu, KVM_SET_SREGS, &raw const special), 6)?;
        check(libc::ioctl(vcpu, KVM_SET_REGS, &raw const general), 6)?;
    }
    Ok(())
}

fn check(result: c_int, step: c_int) -> Result<c_int, c_int> {
    if result < 0 { Err(step) } else { Ok(result) }
}

fn map(length: usize, flags: c_int, file: c_int) -> Option<*mut u8> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, file, 0) };
    (address != libc::MAP_FAILED).then_some(address.cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_answers_in_time_and_gives_a_reason() {
        let begun = Instant::now();
        let answer = probe();
        assert!(begun.elapsed() < PATIENCE + Duration::from_secs(1));
        if let Err(reason) = &answer {
            assert!(!reason.to_string().is_empty());
        }
        println!("KVM: {answer:?} after {:?}", begun.elapsed());
    }
}
