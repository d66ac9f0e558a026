/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The /dev/hvmod ABI.  It is used by the launcher and by the self tests; the
 * module includes the same file.  It must never change what a number or a
 * structure means: growth is by a new number, found through HVMOD_CAP_*.
 *
 * Rules that hold for every call:
 *  - Three kinds of descriptor: /dev/hvmod, a VM (from HVMOD_VM_CREATE), a vCPU
 *    (from HVMOD_VCPU_CREATE).  Closing the last descriptor of a VM and of its
 *    vCPUs frees it; the order does not matter.
 *  - VM and vCPU calls are for the process whose memory the guest runs in, the
 *    one that made the VM: another process gets -EIO.
 *  - All reserved and padding members must be zero: else -EINVAL.
 *  - A bad pointer is -EFAULT, an unknown number is -ENOTTY, a call to a VM
 *    that was killed is -EIO, but for those that only read state and counters.
 *  - A call that has to wait gives -EINTR, undone, when a signal comes.
 *  - (IN) is read by the module, (OUT) is written, (INOUT) is both.
 */
#ifndef UAPI_HVMOD_H
#define UAPI_HVMOD_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** HVMOD_API_VERSION - what HVMOD_GET_VERSION returns. */
#define HVMOD_API_VERSION	1

/** HVMOD_MAX_VCPUS - vCPU ids are below this number. */
#define HVMOD_MAX_VCPUS		1024
/** HVMOD_MAX_SLOTS - memory slot numbers are below this number. */
#define HVMOD_MAX_SLOTS		64
/** HVMOD_MAX_GPA - guest-physical addresses of slots end here (1 TiB). */
#define HVMOD_MAX_GPA		(1ULL << 40)

#define HVMOD_IOC_TYPE		0xb7

/* ---- /dev/hvmod ------------------------------------------------------- */

/** enum hvmod_cap_id - what HVMOD_CHECK_CAP can be asked. */
enum hvmod_cap_id {
	/** @HVMOD_CAP_MAX_VCPUS: vCPUs of a VM at most */
	HVMOD_CAP_MAX_VCPUS = 0,
	/** @HVMOD_CAP_MAX_SLOTS: memory slots of a VM at most */
	HVMOD_CAP_MAX_SLOTS = 1,
	/** @HVMOD_CAP_RUN_SIZE: bytes to mmap from a vCPU descriptor */
	HVMOD_CAP_RUN_SIZE = 2,
	/** @HVMOD_CAP_TSC_KHZ: the guest's TSC frequency unless it is set, kHz */
	HVMOD_CAP_TSC_KHZ = 3,
	/** @HVMOD_CAP_TSC_SCALING: 1 if a vCPU's TSC frequency can be set */
	HVMOD_CAP_TSC_SCALING = 4,
	/** @HVMOD_CAP_XSAVE_SIZE: bytes of HVMOD_STATE_XSAVE */
	HVMOD_CAP_XSAVE_SIZE = 5,
	/** @HVMOD_CAP_KINDS: bit mask of the enum hvmod_kind that can be made */
	HVMOD_CAP_KINDS = 6,
	/** @HVMOD_CAP_MAX_GPA_BITS: width of a guest-physical address, bits */
	HVMOD_CAP_MAX_GPA_BITS = 7,
	/** @HVMOD_CAP_FEATURES: VMX features in use, HVMOD_FEATURE_* bits */
	HVMOD_CAP_FEATURES = 8,
};

/* HVMOD_CAP_FEATURES: optional hardware features that this module uses now. */
#define HVMOD_FEATURE_EPT_1G		(1ULL << 0)
#define HVMOD_FEATURE_EPT_AD		(1ULL << 1)
#define HVMOD_FEATURE_PML		(1ULL << 2)
#define HVMOD_FEATURE_TPR_SHADOW	(1ULL << 3)
#define HVMOD_FEATURE_APIC_REG		(1ULL << 4)
#define HVMOD_FEATURE_VID		(1ULL << 5)
#define HVMOD_FEATURE_POSTED_INTR	(1ULL << 6)
#define HVMOD_FEATURE_X2APIC_VIRT	(1ULL << 7)
#define HVMOD_FEATURE_TSC_SCALING	(1ULL << 8)
#define HVMOD_FEATURE_PLE		(1ULL << 9)
#define HVMOD_FEATURE_XSAVES		(1ULL << 10)
#define HVMOD_FEATURE_INVPCID		(1ULL << 11)
#define HVMOD_FEATURE_PREEMPT_TIMER	(1ULL << 12)
#define HVMOD_FEATURE_RDTSCP		(1ULL << 13)
#define HVMOD_FEATURE_APIC_ACCESS	(1ULL << 14)

/**
 * struct hvmod_cap - one capability
 * @id:    (IN) enum hvmod_cap_id
 * @pad:   must be zero
 * @value: (OUT) its value
 */
struct hvmod_cap {
	__u32 id;
	__u32 pad;
	__u64 value;
};

/** enum hvmod_kind - what a guest sees around it */
enum hvmod_kind {
	/** @HVMOD_KIND_PC: a PC; no Xen interface */
	HVMOD_KIND_PC = 0,
	/** @HVMOD_KIND_PVH: a Xen PVH domain */
	HVMOD_KIND_PVH = 1,
	/** @HVMOD_KIND_HVM: a Xen HVM domain */
	HVMOD_KIND_HVM = 2,
	/** @HVMOD_KIND_PV: a Xen PV domain */
	HVMOD_KIND_PV = 3,
};

/* hvmod_vm_create.devices: what the kernel emulates beside the local APICs. */
#define HVMOD_DEV_PIC		(1U << 0)	/* 8259 pair, ports 20 21 a0 a1 4d0 4d1 */
#define HVMOD_DEV_IOAPIC	(1U << 1)	/* 24 pins at 0xfec00000 */
#define HVMOD_DEV_PIT		(1U << 2)	/* 8254, ports 40-43 and 61 */
#define HVMOD_DEV_PMTMR		(1U << 3)	/* ACPI PM timer, 32 bits, at pmtmr_port */

/**
 * struct hvmod_vm_create - make a VM
 * @kind:       (IN) enum hvmod_kind
 * @devices:    (IN) HVMOD_DEV_* bits
 * @pmtmr_port: (IN) I/O port of the PM timer; zero without HVMOD_DEV_PMTMR
 * @pad:        must be zero
 *
 * The ioctl returns the VM's descriptor.  -EINVAL: kind, devices or port;
 * -EOPNOTSUPP: a kind that HVMOD_CAP_KINDS does not list; -ENOMEM, -EMFILE.
 */
struct hvmod_vm_create {
	__u32 kind;
	__u32 devices;
	__u32 pmtmr_port;
	__u32 pad[5];
};

/**
 * struct hvmod_cpuid_entry - one CPUID leaf
 * @leaf:    EAX on input
 * @subleaf: ECX on input, counts only with HVMOD_CPUID_SUBLEAF
 * @flags:   HVMOD_CPUID_SUBLEAF if the leaf depends on ECX
 * @eax:     result
 * @ebx:     result
 * @ecx:     result
 * @edx:     result
 * @pad:     must be zero
 */
struct hvmod_cpuid_entry {
	__u32 leaf;
	__u32 subleaf;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 pad;
};

#define HVMOD_CPUID_SUBLEAF	(1U << 0)
/** HVMOD_MAX_CPUID - entries of a CPUID table at most */
#define HVMOD_MAX_CPUID		128

/**
 * struct hvmod_cpuid - a CPUID table
 * @count:   (INOUT) room in entries; entries written or needed
 * @pad:     must be zero
 * @entries: (IN) address of an array of struct hvmod_cpuid_entry
 *
 * HVMOD_GET_CPUID writes what this host and this module can give a guest:
 * -E2BIG with @count set when there is too little room.
 * HVMOD_VCPU_SET_CPUID takes a table: leaves that it lacks read as zero; bits
 * that the host cannot give are cleared, silently, so a table may be moved
 * between hosts; -E2BIG above HVMOD_MAX_CPUID; -EBUSY after the first run.
 */
struct hvmod_cpuid {
	__u32 count;
	__u32 pad;
	__u64 entries;
};

/**
 * struct hvmod_msr - one model-specific register
 * @index: its number
 * @pad:   must be zero
 * @value: its value
 */
struct hvmod_msr {
	__u32 index;
	__u32 pad;
	__u64 value;
};

/** HVMOD_MAX_MSRS - entries of an MSR array at most */
#define HVMOD_MAX_MSRS		256

/**
 * struct hvmod_msrs - an array of MSRs
 * @count: (INOUT) entries; entries done.  When an MSR is unknown or its value
 *         is refused the call ends there with -EINVAL and @count tells where
 * @pad:   must be zero
 * @msrs:  (IN) address of an array of struct hvmod_msr
 *
 * HVMOD_GET_MSR_LIST writes the numbers that a save needs (values are zero).
 */
struct hvmod_msrs {
	__u32 count;
	__u32 pad;
	__u64 msrs;
};

#define HVMOD_GET_VERSION	_IO(HVMOD_IOC_TYPE, 0x00)
#define HVMOD_CHECK_CAP		_IOWR(HVMOD_IOC_TYPE, 0x01, struct hvmod_cap)
#define HVMOD_VM_CREATE		_IOW(HVMOD_IOC_TYPE, 0x02, struct hvmod_vm_create)
#define HVMOD_GET_CPUID		_IOWR(HVMOD_IOC_TYPE, 0x03, struct hvmod_cpuid)
#define HVMOD_GET_MSR_LIST	_IOWR(HVMOD_IOC_TYPE, 0x04, struct hvmod_msrs)

/* ---- VM --------------------------------------------------------------- */

#define HVMOD_MEM_READONLY	(1U << 0)	/* a guest write is an MMIO write */
#define HVMOD_MEM_LOG_DIRTY	(1U << 1)	/* HVMOD_VM_GET_DIRTY works */

/**
 * struct hvmod_memory - a memory slot
 * @slot:  (IN) its number, below HVMOD_MAX_SLOTS
 * @flags: (IN) HVMOD_MEM_* bits
 * @gpa:   (IN) guest-physical address, a multiple of 4096
 * @size:  (IN) bytes, a multiple of 4096; zero removes the slot
 * @hva:   (IN) address in the caller, a multiple of 4096; any mapping, which
 *         may change under the running guest
 *
 * Replaces the slot.  -EINVAL: alignment, range, flags; -EEXIST: it overlaps
 * another slot in guest-physical space; -ENOENT: nothing to remove; -ENOMEM.
 * Where a page cannot be had (unmapped, protected), the guest's access kills
 * the guest with a sentence.
 */
struct hvmod_memory {
	__u32 slot;
	__u32 flags;
	__u64 gpa;
	__u64 size;
	__u64 hva;
};

/**
 * struct hvmod_dirty - pages written since the last call
 * @slot:   (IN) slot number
 * @pad:    must be zero
 * @first:  (IN) first page, an index in the slot, a multiple of 64
 * @pages:  (IN) how many, a multiple of 64 or up to the slot's end
 * @bitmap: (IN) address of the bitmap, one bit a page, 64-bit words
 *
 * Reads and clears, in one step for each page: a write after it is seen by the
 * next call.  -ENOENT: no such slot; -EINVAL: no HVMOD_MEM_LOG_DIRTY, range.
 */
struct hvmod_dirty {
	__u32 slot;
	__u32 pad;
	__u64 first;
	__u64 pages;
	__u64 bitmap;
};

/**
 * struct hvmod_irq_line - set the level of an interrupt input
 * @gsi:   (IN) 0-15: PIC and IOAPIC; 16-23: IOAPIC
 * @level: (IN) 0 or 1
 *
 * -EINVAL: gsi or level; -ENODEV: the VM has neither PIC nor IOAPIC.
 */
struct hvmod_irq_line {
	__u32 gsi;
	__u32 level;
};

/**
 * struct hvmod_msi - send a message-signalled interrupt
 * @addr: (IN) address, 0xfeexxxxx; bits 32-63 hold destination bits 8-31
 *        in bits 40-63, as with x2APIC extended destinations
 * @data: (IN) data
 * @pad:  must be zero
 *
 * Returns how many vCPUs took it.  -EINVAL: not an MSI address.
 */
struct hvmod_msi {
	__u64 addr;
	__u32 data;
	__u32 pad;
};

#define HVMOD_IRQFD_DEASSIGN	(1U << 0)
#define HVMOD_IRQFD_MSI		(1U << 1)	/* send @msi, else raise @gsi */
#define HVMOD_IRQFD_RESAMPLE	(1U << 2)	/* @gsi is level triggered */

/**
 * struct hvmod_irqfd - let an eventfd raise an interrupt
 * @fd:          (IN) the eventfd
 * @flags:       (IN) HVMOD_IRQFD_* bits
 * @gsi:         (IN) interrupt input, without HVMOD_IRQFD_MSI
 * @resample_fd: (IN) eventfd signalled when the guest ends the interrupt (the
 *               line is lowered first); zero without HVMOD_IRQFD_RESAMPLE
 * @msi:         (IN) message, with HVMOD_IRQFD_MSI
 *
 * -EBUSY: this eventfd is bound already (give DEASSIGN first); -ENOENT: not
 * bound; -ENODEV: @gsi, and the VM has neither PIC nor IOAPIC; -EBADF, -EINVAL,
 * -ENOMEM.
 */
struct hvmod_irqfd {
	__s32 fd;
	__u32 flags;
	__u32 gsi;
	__s32 resample_fd;
	struct hvmod_msi msi;
};

#define HVMOD_IOEVENTFD_DEASSIGN	(1U << 0)
#define HVMOD_IOEVENTFD_PIO		(1U << 1)	/* @addr is an I/O port */
#define HVMOD_IOEVENTFD_DATAMATCH	(1U << 2)	/* only when @data is written */

/**
 * struct hvmod_ioeventfd - let a guest's write signal an eventfd
 * @addr:  (IN) guest-physical address or port
 * @data:  (IN) value to match
 * @len:   (IN) 1, 2, 4, 8 bytes, or 0: any length (without DATAMATCH)
 * @fd:    (IN) the eventfd
 * @flags: (IN) HVMOD_IOEVENTFD_* bits
 * @pad:   must be zero
 *
 * -EEXIST: the same match is there; -ENOENT: nothing to remove; -ENOSPC: too
 * many; -EBADF, -EINVAL, -ENOMEM.
 */
struct hvmod_ioeventfd {
	__u64 addr;
	__u64 data;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 pad[3];
};

/** enum hvmod_state_id - groups of state, for the *_STATE calls */
enum hvmod_state_id {
	/* of a vCPU */
	HVMOD_STATE_REGS = 0,		/* struct hvmod_regs */
	HVMOD_STATE_SREGS = 1,		/* struct hvmod_sregs */
	HVMOD_STATE_XSAVE = 2,		/* XSAVE area, standard form, HVMOD_CAP_XSAVE_SIZE */
	HVMOD_STATE_DEBUG = 3,		/* struct hvmod_debugregs */
	HVMOD_STATE_EVENTS = 4,		/* struct hvmod_events */
	HVMOD_STATE_LAPIC = 5,		/* struct hvmod_lapic */
	HVMOD_STATE_MP = 6,		/* struct hvmod_mp */
	HVMOD_STATE_TSC = 7,		/* struct hvmod_tsc */
	/* of a VM */
	HVMOD_STATE_PIC = 64,		/* struct hvmod_pic */
	HVMOD_STATE_IOAPIC = 65,	/* struct hvmod_ioapic */
	HVMOD_STATE_PIT = 66,		/* struct hvmod_pit */
};

/**
 * struct hvmod_state - get or set one group of state
 * @id:   (IN) enum hvmod_state_id
 * @size: (IN) bytes at @addr, exactly the group's size: else -EINVAL
 * @addr: (IN) address of the structure
 *
 * -EINVAL: id, size, or a value that the architecture forbids; -ENODEV: the VM
 * lacks that device; -EBUSY: the vCPU runs (HVMOD_VCPU_RUN is under way).
 */
struct hvmod_state {
	__u32 id;
	__u32 size;
	__u64 addr;
};

/**
 * struct hvmod_pic - the two 8259s; index 0 is the master
 * @irr: request register     @isr: in-service register   @imr: mask
 * @last_level: input levels  @elcr: level-triggered inputs
 * @vector_base: ICW2         @init_state: 0 ready, 1-3 ICW2-4 expected
 * @flags: HVMOD_PIC_* bits   @lowest: input of lowest priority
 * @pad: zero
 */
struct hvmod_pic {
	struct {
		__u8 irr, isr, imr, last_level;
		__u8 elcr, vector_base, init_state, lowest;
		__u32 flags;
		__u32 pad;
	} chip[2];
};

#define HVMOD_PIC_READ_ISR	(1U << 0)
#define HVMOD_PIC_POLL		(1U << 1)
#define HVMOD_PIC_SPECIAL_MASK	(1U << 2)
#define HVMOD_PIC_AUTO_EOI	(1U << 3)
#define HVMOD_PIC_ROTATE_AEOI	(1U << 4)
#define HVMOD_PIC_ICW4		(1U << 5)
#define HVMOD_PIC_SFNM		(1U << 6)

/**
 * struct hvmod_ioapic - the IOAPIC
 * @id:    its ID register, bits 24-27
 * @index: IOREGSEL
 * @level: level of each input, one bit a pin
 * @pad:   zero
 * @redir: redirection table
 */
struct hvmod_ioapic {
	__u32 id;
	__u32 index;
	__u32 level;
	__u32 pad;
	__u64 redir[24];
};

/**
 * struct hvmod_pit - the 8254 and port 0x61
 * @channel: counters
 * @port61:  bits 0 and 1 of port 0x61
 * @pad:     zero
 */
struct hvmod_pit {
	/**
	 * @channel.reload:     counter reload value, 0 is 65536
	 * @channel.elapsed_ns: since the counter was loaded
	 * @channel.latch:      latched count     @channel.status: latched status
	 * @channel.mode:       0-5               @channel.access: 1 LSB, 2 MSB, 3 both
	 * @channel.flags:      HVMOD_PIT_* bits  @channel.lsb: half of a write
	 */
	struct {
		__u64 elapsed_ns;
		__u32 reload;
		__u16 latch;
		__u8 status;
		__u8 mode;
		__u8 access;
		__u8 lsb;
		__u16 flags;
		__u32 pad;
	} channel[3];
	__u32 port61;
	__u32 pad;
};

#define HVMOD_PIT_LATCHED	(1U << 0)
#define HVMOD_PIT_STATUS	(1U << 1)
#define HVMOD_PIT_READ_MSB	(1U << 2)
#define HVMOD_PIT_WRITE_MSB	(1U << 3)
#define HVMOD_PIT_BCD		(1U << 4)
#define HVMOD_PIT_GATE		(1U << 5)
#define HVMOD_PIT_ARMED		(1U << 6)

/**
 * struct hvmod_vcpu_create - make a vCPU
 * @id:  (IN) its number and its APIC id, below HVMOD_MAX_VCPUS
 * @pad: must be zero
 *
 * The ioctl returns the vCPU's descriptor.  vCPU 0 starts as a PC's boot
 * processor at the reset vector, others wait for INIT and SIPI.  -EEXIST: the
 * id is taken; -EINVAL; -ENOMEM, -EMFILE.
 */
struct hvmod_vcpu_create {
	__u32 id;
	__u32 pad[3];
};

/**
 * struct hvmod_vm_stat - counters of a VM
 * @pages_4k: EPT leaves of 4 KiB now        @pages_2m: of 2 MiB
 * @pages_1g: of 1 GiB                       @ept_pages: pages of EPT tables
 * @ept_faults: EPT violations that mapped   @flushes: TLB flushes of all vCPUs
 * @vcpus: vCPUs now                         @pad: zero
 */
struct hvmod_vm_stat {
	__u64 pages_4k;
	__u64 pages_2m;
	__u64 pages_1g;
	__u64 ept_pages;
	__u64 ept_faults;
	__u64 flushes;
	__u64 vcpus;
	__u64 pad[9];
};

#define HVMOD_VM_SET_MEMORY	_IOW(HVMOD_IOC_TYPE, 0x20, struct hvmod_memory)
#define HVMOD_VM_GET_DIRTY	_IOW(HVMOD_IOC_TYPE, 0x21, struct hvmod_dirty)
#define HVMOD_VM_IRQ_LINE	_IOW(HVMOD_IOC_TYPE, 0x22, struct hvmod_irq_line)
#define HVMOD_VM_MSI		_IOW(HVMOD_IOC_TYPE, 0x23, struct hvmod_msi)
#define HVMOD_VM_IRQFD		_IOW(HVMOD_IOC_TYPE, 0x24, struct hvmod_irqfd)
#define HVMOD_VM_IOEVENTFD	_IOW(HVMOD_IOC_TYPE, 0x25, struct hvmod_ioeventfd)
#define HVMOD_VM_GET_STATE	_IOW(HVMOD_IOC_TYPE, 0x26, struct hvmod_state)
#define HVMOD_VM_SET_STATE	_IOW(HVMOD_IOC_TYPE, 0x27, struct hvmod_state)
#define HVMOD_VM_STAT		_IOR(HVMOD_IOC_TYPE, 0x28, struct hvmod_vm_stat)
#define HVMOD_VCPU_CREATE	_IOW(HVMOD_IOC_TYPE, 0x29, struct hvmod_vcpu_create)

/* ---- vCPU ------------------------------------------------------------- */

/* Order of hvmod_regs.gpr, the instruction encoding's. */
enum hvmod_gpr {
	HVMOD_RAX, HVMOD_RCX, HVMOD_RDX, HVMOD_RBX,
	HVMOD_RSP, HVMOD_RBP, HVMOD_RSI, HVMOD_RDI,
	HVMOD_R8, HVMOD_R9, HVMOD_R10, HVMOD_R11,
	HVMOD_R12, HVMOD_R13, HVMOD_R14, HVMOD_R15,
};

/**
 * struct hvmod_regs - general registers
 * @gpr:    indexed by enum hvmod_gpr
 * @rip:    instruction pointer
 * @rflags: flags; bit 1 is always set, reserved bits are cleared
 */
struct hvmod_regs {
	__u64 gpr[16];
	__u64 rip;
	__u64 rflags;
};

/**
 * struct hvmod_segment - a segment register
 * @base:     base address
 * @limit:    limit in bytes, inclusive, after scaling
 * @selector: selector
 * @access:   bits 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G,
 *            16 unusable: the VMCS format of access rights, narrowed
 * @pad:      zero
 */
struct hvmod_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u16 pad;
	__u32 access;
	__u32 pad2;
};

/**
 * struct hvmod_dtable - GDTR or IDTR
 * @base:  base address
 * @limit: limit
 * @pad:   zero
 */
struct hvmod_dtable {
	__u64 base;
	__u16 limit;
	__u16 pad[3];
};

/**
 * struct hvmod_sregs - system registers
 * @es: segment   @cs: segment   @ss: segment   @ds: segment
 * @fs: segment   @gs: segment   @ldt: LDTR     @tr: TR
 * @gdt: GDTR     @idt: IDTR
 * @cr0: register @cr2: register @cr3: register @cr4: register @cr8: TPR
 * @efer: IA32_EFER              @apic_base: IA32_APIC_BASE
 * @xcr0: XCR0
 */
struct hvmod_sregs {
	struct hvmod_segment es, cs, ss, ds, fs, gs, ldt, tr;
	struct hvmod_dtable gdt, idt;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 apic_base;
	__u64 xcr0;
};

/**
 * struct hvmod_debugregs - debug registers
 * @dr:  DR0-DR3
 * @dr6: DR6
 * @dr7: DR7
 */
struct hvmod_debugregs {
	__u64 dr[4];
	__u64 dr6;
	__u64 dr7;
};

#define HVMOD_EVENT_EXCEPTION	(1U << 0)	/* @vector (and @error) is pending */
#define HVMOD_EVENT_ERROR_CODE	(1U << 1)	/* @error_code is to be pushed */
#define HVMOD_EVENT_INTERRUPT	(1U << 2)	/* @irq was taken from the APIC or PIC */
#define HVMOD_EVENT_NMI		(1U << 3)	/* an NMI waits */
#define HVMOD_EVENT_NMI_BLOCKED	(1U << 4)	/* until IRET */
#define HVMOD_EVENT_SHADOW_STI	(1U << 5)	/* interrupt shadow of STI */
#define HVMOD_EVENT_SHADOW_SS	(1U << 6)	/* interrupt shadow of MOV SS */

/**
 * struct hvmod_events - what is pending at the next instruction
 * @flags:      HVMOD_EVENT_* bits
 * @vector:     exception vector, 0-31
 * @irq:        interrupt vector
 * @pad:        zero
 * @error_code: error code
 */
struct hvmod_events {
	__u32 flags;
	__u8 vector;
	__u8 irq;
	__u16 pad;
	__u32 error_code;
	__u32 pad2;
};

/**
 * struct hvmod_lapic - the local APIC's registers
 * @regs: the first KiB of the xAPIC page; the timer's current count included
 */
struct hvmod_lapic {
	__u8 regs[1024];
};

/** enum hvmod_mp_state - what a vCPU does */
enum hvmod_mp_state {
	HVMOD_MP_RUNNABLE = 0,
	HVMOD_MP_HALTED = 1,		/* HLT: waits for an interrupt */
	HVMOD_MP_WAIT_SIPI = 2,		/* INIT came: waits for SIPI */
};

/**
 * struct hvmod_mp - multiprocessing state
 * @state: enum hvmod_mp_state
 * @pad:   zero
 */
struct hvmod_mp {
	__u32 state;
	__u32 pad;
};

/**
 * struct hvmod_tsc - time-stamp counter
 * @value: guest's TSC now
 * @khz:   its frequency; another one than the host's needs HVMOD_CAP_TSC_SCALING
 * @pad:   zero
 */
struct hvmod_tsc {
	__u64 value;
	__u32 khz;
	__u32 pad;
};

/** enum hvmod_exit - why HVMOD_VCPU_RUN returned 0 */
enum hvmod_exit {
	/** @HVMOD_EXIT_NONE: nothing to do; run again */
	HVMOD_EXIT_NONE = 0,
	/** @HVMOD_EXIT_IO: an access to an I/O port: struct hvmod_run.io */
	HVMOD_EXIT_IO = 1,
	/** @HVMOD_EXIT_MMIO: an access to no memory: struct hvmod_run.mmio */
	HVMOD_EXIT_MMIO = 2,
	/** @HVMOD_EXIT_SHUTDOWN: a triple fault, a PC would reset */
	HVMOD_EXIT_SHUTDOWN = 3,
	/** @HVMOD_EXIT_KILLED: the guest cannot go on: struct hvmod_run.killed */
	HVMOD_EXIT_KILLED = 4,
	/** @HVMOD_EXIT_EOI: reserved */
	HVMOD_EXIT_EOI = 5,
	/** @HVMOD_EXIT_SYSTEM: a Xen guest shut down: struct hvmod_run.system */
	HVMOD_EXIT_SYSTEM = 6,
	/** @HVMOD_EXIT_XEN_CONSOLE: console_io wrote: struct hvmod_run.console */
	HVMOD_EXIT_XEN_CONSOLE = 7,
	/**
	 * @HVMOD_EXIT_XEN_MEMORY: the guest gave memory back: struct
	 * hvmod_run.memory; only after HVMOD_XEN_MEMORY_EXITS
	 */
	HVMOD_EXIT_XEN_MEMORY = 8,
};

#define HVMOD_IO_IN	0
#define HVMOD_IO_OUT	1

/**
 * struct hvmod_run - the page shared with the vCPU's thread, mmap offset 0
 * @immediate_exit: (IN) non-zero: HVMOD_VCPU_RUN returns -EINTR before it
 *                  enters the guest; for use from a signal handler
 * @pad:            zero
 * @exit_reason:    (OUT) enum hvmod_exit
 * @io:             (INOUT) for HVMOD_EXIT_IO
 * @mmio:           (INOUT) for HVMOD_EXIT_MMIO
 * @killed:         (OUT) for HVMOD_EXIT_KILLED
 * @system:         (OUT) for HVMOD_EXIT_SYSTEM
 * @console:        (OUT) for HVMOD_EXIT_XEN_CONSOLE; the bytes are in @data
 * @memory:         (OUT) for HVMOD_EXIT_XEN_MEMORY; the ranges are in @data
 * @data:           (INOUT) bytes of a port access, count * size of them, in
 *                  order: for HVMOD_IO_IN filled in by the caller before it
 *                  calls HVMOD_VCPU_RUN again
 *
 * After an IN or a read the next HVMOD_VCPU_RUN completes the instruction.
 * HVMOD_VCPU_RUN: 0; -EINTR: a signal, or @immediate_exit; -EBUSY: another
 * thread runs this vCPU; -EIO: the VM was killed before, or wrong process;
 * -EINVAL: the page held an answer that cannot be; -EFAULT: memory that the
 * kernel needed for the guest is gone.
 */
struct hvmod_run {
	__u8 immediate_exit;
	__u8 pad[7];
	__u32 exit_reason;
	__u32 pad2;
	union {
		/**
		 * @io.direction: HVMOD_IO_IN or HVMOD_IO_OUT
		 * @io.size:  1, 2 or 4 bytes    @io.port: the port
		 * @io.count: accesses in a row to the same port
		 */
		struct {
			__u8 direction;
			__u8 size;
			__u16 port;
			__u32 count;
		} io;
		/**
		 * @mmio.gpa: guest-physical address
		 * @mmio.len: 1 to 8 bytes   @mmio.is_write: 1 for a write
		 * @mmio.data: written value, or the caller's answer
		 */
		struct {
			__u64 gpa;
			__u32 len;
			__u32 is_write;
			__u8 data[8];
		} mmio;
		/** @killed.why: a sentence, zero-terminated */
		struct {
			char why[256];
		} killed;
		/** @system.reason: SHUTDOWN_* of Xen's sched.h */
		struct {
			__u32 reason;
			__u32 pad;
		} system;
		/** @console.count: bytes that the guest wrote */
		struct {
			__u32 count;
			__u32 pad;
		} console;
		/** @memory.count: struct hvmod_xen_range in @data, to be freed */
		struct {
			__u32 count;
			__u32 pad;
		} memory;
		__u8 room[496];
	};
	__u8 data[3584];
};

/**
 * struct hvmod_exit_record - one entry of the exit ring
 * @rip:    guest's RIP at the exit
 * @info:   exit qualification, or an I/O port, MSR, gpa: depends on the reason
 * @tsc:    host TSC at the exit
 * @reason: VMX basic exit reason
 * @extra:  interruption information, or zero
 */
struct hvmod_exit_record {
	__u64 rip;
	__u64 info;
	__u64 tsc;
	__u32 reason;
	__u32 extra;
};

/** HVMOD_MAX_EXIT_REASONS - exit reasons are below this number */
#define HVMOD_MAX_EXIT_REASONS	80
/** HVMOD_EXIT_RING - entries of the exit ring */
#define HVMOD_EXIT_RING		64

/**
 * struct hvmod_vcpu_stat - counters of a vCPU
 * @exits:       VM exits by VMX basic exit reason
 * @to_user:     returns to user space
 * @injected:    interrupts delivered
 * @halts:       times it blocked in HLT
 * @emulated:    instructions emulated
 * @entries:     VM entries
 * @guest_ticks: ticks of the host's TSC in the guest
 * @run_ticks:   in HVMOD_VCPU_RUN: the guest, the host for it, and @halt_ticks
 * @halt_ticks:  blocked in HLT
 * @pad:         zero
 *
 * A run and a halt that are under way are in @run_ticks and @halt_ticks.  All are
 * read while they change.
 */
struct hvmod_vcpu_stat {
	__u64 exits[HVMOD_MAX_EXIT_REASONS];
	__u64 to_user;
	__u64 injected;
	__u64 halts;
	__u64 emulated;
	__u64 entries;
	__u64 guest_ticks;
	__u64 run_ticks;
	__u64 halt_ticks;
	__u64 pad[8];
};

/**
 * struct hvmod_exits - the last exits, oldest first
 * @count: (INOUT) room in records; records written
 * @pad:   must be zero
 * @addr:  (IN) address of an array of struct hvmod_exit_record
 */
struct hvmod_exits {
	__u32 count;
	__u32 pad;
	__u64 addr;
};

#define HVMOD_VCPU_RUN		_IO(HVMOD_IOC_TYPE, 0x40)
#define HVMOD_VCPU_GET_STATE	_IOW(HVMOD_IOC_TYPE, 0x41, struct hvmod_state)
#define HVMOD_VCPU_SET_STATE	_IOW(HVMOD_IOC_TYPE, 0x42, struct hvmod_state)
#define HVMOD_VCPU_GET_MSRS	_IOWR(HVMOD_IOC_TYPE, 0x43, struct hvmod_msrs)
#define HVMOD_VCPU_SET_MSRS	_IOWR(HVMOD_IOC_TYPE, 0x44, struct hvmod_msrs)
#define HVMOD_VCPU_SET_CPUID	_IOWR(HVMOD_IOC_TYPE, 0x45, struct hvmod_cpuid)
#define HVMOD_VCPU_NMI		_IO(HVMOD_IOC_TYPE, 0x46)
#define HVMOD_VCPU_STAT		_IOR(HVMOD_IOC_TYPE, 0x47, struct hvmod_vcpu_stat)
#define HVMOD_VCPU_EXITS	_IOWR(HVMOD_IOC_TYPE, 0x48, struct hvmod_exits)

/* ---- VM of a Xen kind; -ENOTTY for others ------------------------------ */

/**
 * HVMOD_XEN_DOMID_BACKEND - the domain that the launcher is for its guest: it
 * owns the far ends of the guest's event channels and may use its grants
 */
#define HVMOD_XEN_DOMID_BACKEND		0
/** HVMOD_XEN_DOMID_GUEST - the domain that the guest is */
#define HVMOD_XEN_DOMID_GUEST		1
/**
 * HVMOD_XEN_HYPERCALL_MSR - index of the MSR that asks for a hypercall page, and
 * HVMOD_XEN_HYPERCALL_MSR_2 - another, for a guest whose CPUID table gives the
 * first one to a second interface.  Both work.  The launcher's CPUID table says which
 */
#define HVMOD_XEN_HYPERCALL_MSR		0x40000000
#define HVMOD_XEN_HYPERCALL_MSR_2	0x40000200
/** HVMOD_XEN_GRANT_FRAMES - pages of a grant table at most */
#define HVMOD_XEN_GRANT_FRAMES		64
/** HVMOD_XEN_STATUS_FRAMES - pages of status words, for version 2 */
#define HVMOD_XEN_STATUS_FRAMES		8

#define HVMOD_XEN_PARAM_SET	(1U << 0)

/**
 * struct hvmod_xen_param - get or set an HVM parameter
 * @index: (IN) HVM_PARAM_* of Xen's hvm/params.h
 * @flags: (IN) HVMOD_XEN_PARAM_SET, or 0 to get it
 * @value: (INOUT) its value
 *
 * -EINVAL: no such parameter, flags, or a value that it cannot have.
 */
struct hvmod_xen_param {
	__u32 index;
	__u32 flags;
	__u64 value;
};

#define HVMOD_XEN_EVTCHN_ALLOC	(1U << 0)	/* make the port, too */
#define HVMOD_XEN_EVTCHN_UNBIND	(1U << 1)	/* give the far end back */

/**
 * struct hvmod_xen_evtchn - be the far end of one of the guest's event channels
 * @port:    (INOUT) the guest's port; with HVMOD_XEN_EVTCHN_ALLOC a new one (OUT)
 * @flags:   (IN) HVMOD_XEN_EVTCHN_* bits
 * @kick_fd: (IN) eventfd that is signalled when the guest sends; -1 to UNBIND
 * @pad:     must be zero
 *
 * The guest's port must be unbound and wait for HVMOD_XEN_DOMID_BACKEND; then
 * it is interdomain, until the guest closes it or it is unbound here.  The
 * other direction is HVMOD_VM_XEN_SEND.  -EINVAL: flags, no such port, or it
 * waits for nobody; -EBUSY: bound already; -ENOENT: not bound; -ENOSPC: no port
 * is free; -EBADF, -ENOMEM.
 */
struct hvmod_xen_evtchn {
	__u32 port;
	__u32 flags;
	__s32 kick_fd;
	__u32 pad;
};

/**
 * struct hvmod_xen_send - send an event to the guest
 * @port: (IN) the guest's port, bound by HVMOD_VM_XEN_EVTCHN: else -EINVAL
 * @pad:  must be zero
 */
struct hvmod_xen_send {
	__u32 port;
	__u32 pad;
};

#define HVMOD_XEN_RESUME_RESET	(1U << 0)	/* a soft reset first */

/**
 * struct hvmod_xen_resume - a guest that shut down goes on
 * @flags: (IN) HVMOD_XEN_RESUME_RESET, or 0
 * @pad:   must be zero
 *
 * After HVMOD_EXIT_SYSTEM no vCPU runs: HVMOD_VCPU_RUN waits.  This lets all of
 * them go on behind the hypercall.  With HVMOD_XEN_RESUME_RESET, for a guest that
 * starts another kernel by itself (SHUTDOWN_soft_reset), everything that the old
 * kernel told Xen is forgotten first: event channels are closed, those of the
 * launcher too, grants end, shared_info and grant table lie over no frame any more,
 * vcpu_info and other areas are unregistered, timers and watchdogs stop.
 * Parameters but the callback's keep their values; whether a vCPU is down does
 * not change.  -EINVAL: flags; -ENOENT: it did not shut down.
 */
struct hvmod_xen_resume {
	__u32 flags;
	__u32 pad;
};

#define HVMOD_XEN_MEMORY_SET_MAX	(1U << 0)	/* @max_pages is set */
#define HVMOD_XEN_MEMORY_SET_EXITS	(1U << 1)	/* HVMOD_XEN_MEMORY_EXITS is looked at */
#define HVMOD_XEN_MEMORY_EXITS		(1U << 2)	/* HVMOD_EXIT_XEN_MEMORY comes */
#define HVMOD_XEN_MEMORY_TAKE		(1U << 3)	/* @gfn and @pages are taken out */

/**
 * struct hvmod_xen_memory - how much of its slots' memory a guest has
 * @flags:         (IN) HVMOD_XEN_MEMORY_* bits; 0 only asks
 * @pad:           must be zero
 * @max_pages:     (INOUT) the guest may not have more pages than that; 0: all
 *                 that the slots have.  What it has already it keeps
 * @current_pages: (OUT) pages that it has now
 * @gfn:           (IN) with HVMOD_XEN_MEMORY_TAKE: first frame
 * @pages:         (IN) and how many: they are taken from the guest, as if it
 *                 had given them back, so that it can have them later
 *
 * A guest gives frames back by XENMEM_decrease_reservation and takes them again by
 * XENMEM_populate_physmap.  In between they are no memory: an access is an MMIO
 * access, also when the slot is replaced.  Their bytes are no longer needed;
 * with HVMOD_XEN_MEMORY_EXITS the launcher is told to free them.  A frame that
 * comes back shows what the launcher's memory has there.  -EINVAL: flags, or
 * frames of no writable slot (those before them are taken); -ENOMEM, -EINTR.
 */
struct hvmod_xen_memory {
	__u32 flags;
	__u32 pad;
	__u64 max_pages;
	__u64 current_pages;
	__u64 gfn;
	__u64 pages;
};

/**
 * struct hvmod_xen_range - frames
 * @gfn:   first
 * @pages: how many
 */
struct hvmod_xen_range {
	__u64 gfn;
	__u64 pages;
};

/**
 * struct hvmod_xen_map_entry - a part of the memory map
 * @addr: guest-physical address
 * @size: bytes
 * @type: as in INT 15H, EAX=E820H: 1 is memory, 2 reserved
 * @pad:  zero
 */
struct hvmod_xen_map_entry {
	__u64 addr;
	__u64 size;
	__u32 type;
	__u32 pad;
};

/** HVMOD_XEN_MAP_MAX - entries of a memory map at most */
#define HVMOD_XEN_MAP_MAX	128

/**
 * struct hvmod_xen_map - what XENMEM_memory_map tells the guest
 * @count: (IN) entries; with none the guest gets ENOSYS
 * @pad:   must be zero
 * @addr:  (IN) address of an array of struct hvmod_xen_map_entry
 *
 * Replaces the map.  The guest may set its own.  -EINVAL: too many entries;
 * -EFAULT, -ENOMEM.
 */
struct hvmod_xen_map {
	__u32 count;
	__u32 pad;
	__u64 addr;
};

/** HVMOD_XEN_CALL_OTHER - numbers that Xen does not have, together */
#define HVMOD_XEN_CALL_OTHER	0xffffffffU

/**
 * struct hvmod_xen_call - how often a hypercall or a sub-operation was made
 * @hypercall: its number, or HVMOD_XEN_CALL_OTHER
 * @op:        sub-operation; HVMOD_XEN_CALL_OTHER for a hypercall that has none
 *             and for sub-operations that Xen does not have
 * @calls:     calls
 * @missing:   of them those that Xen would have served and hvmod does not
 * @name:      as in Xen's headers, zero-terminated
 */
struct hvmod_xen_call {
	__u32 hypercall;
	__u32 op;
	__u64 calls;
	__u64 missing;
	char name[48];
};

/**
 * struct hvmod_xen_calls - the hypercalls that the guest has made
 * @count: (INOUT) room in entries; entries written, or needed with -E2BIG
 * @pad:   must be zero
 * @addr:  (IN) address of an array of struct hvmod_xen_call
 *
 * What was never called is left out.  Racy sums of all vCPUs.  -E2BIG: too
 * little room, the array is full; -EFAULT.
 */
struct hvmod_xen_calls {
	__u32 count;
	__u32 pad;
	__u64 addr;
};

/*
 * The grant table of a Xen guest is mapped, shared and read-write, from the
 * VM's descriptor.  All of its pages are there from the start, zeroed; the guest
 * says how many of them it uses and in which version.
 *
 *  HVMOD_XEN_GRANT_OFFSET	HVMOD_XEN_GRANT_FRAMES pages of entries: 512 of 8
 *				bytes a page in version 1, 256 of 16 bytes in version 2
 *  HVMOD_XEN_STATUS_OFFSET	HVMOD_XEN_STATUS_FRAMES pages of status words, 2048 of
 *				16 bits a page, one an entry; used in version 2 only
 *  HVMOD_XEN_GRANT_INFO_OFFSET	a page: struct hvmod_xen_grant_info
 *
 * The launcher is domain HVMOD_XEN_DOMID_BACKEND and uses grants as Xen does for
 * such a domain: it sets GTF_reading, or that and GTF_writing, atomically before
 * it touches the frame, and clears them when it is done.  In version 1 they are
 * in the entry's flags, set together with a check of flags and domain (one
 * compare-and-exchange of 32 bits).  In version 2 they are in the status word; the
 * entry's flags and domain are read, the status is set, a full barrier, and they
 * are read again: if they differ the status is cleared and the grant is not there.
 */
#define HVMOD_XEN_GRANT_OFFSET		0x100000ULL
#define HVMOD_XEN_STATUS_OFFSET		0x200000ULL
#define HVMOD_XEN_GRANT_INFO_OFFSET	0x300000ULL

/**
 * struct hvmod_xen_grant_info - what the guest made of its grant table
 * @version: (OUT) 1 or 2; 0 while it changes.  Only whoever is counted in @users
 *           may rely on it
 * @frames:  (OUT) pages of entries in use; it grows only.  References from
 *           @frames * entries a page on do not exist
 * @users:   (IN) how many references the launcher uses or is about to use, the
 *           reserved ones (below 8) left out.  The guest cannot change the version
 *           while it is not zero: it gets EBUSY
 * @pad:     zero
 *
 * To use a reference: increment @users atomically; a full barrier; read @version; if
 * it is 0 decrement @users and try again later.  Decrement it when the reference
 * is given back.  When the version changes all entries are cleared but the
 * reserved ones (0 is the console's, 1 is xenstore's), which are converted: they
 * may stay in use, the launcher finds their flags where the version has them.
 */
struct hvmod_xen_grant_info {
	__u32 version;
	__u32 frames;
	__u32 users;
	__u32 pad;
};

#define HVMOD_VM_XEN_PARAM	_IOWR(HVMOD_IOC_TYPE, 0x60, struct hvmod_xen_param)
#define HVMOD_VM_XEN_EVTCHN	_IOWR(HVMOD_IOC_TYPE, 0x61, struct hvmod_xen_evtchn)
#define HVMOD_VM_XEN_SEND	_IOW(HVMOD_IOC_TYPE, 0x62, struct hvmod_xen_send)
#define HVMOD_VM_XEN_CALLS	_IOWR(HVMOD_IOC_TYPE, 0x63, struct hvmod_xen_calls)
#define HVMOD_VM_XEN_MEMORY	_IOWR(HVMOD_IOC_TYPE, 0x64, struct hvmod_xen_memory)
#define HVMOD_VM_XEN_MAP	_IOW(HVMOD_IOC_TYPE, 0x65, struct hvmod_xen_map)
#define HVMOD_VM_XEN_RESUME	_IOW(HVMOD_IOC_TYPE, 0x66, struct hvmod_xen_resume)

#endif /* UAPI_HVMOD_H */
