# SPDX-License-Identifier: GPL-2.0
"""What the rig's programs share: making an initramfs, and starting a test
host in Bochs or QEMU. A host boots without a boot loader: Bochs gets the
kernel and the initramfs as RAM images and a boot sector that jumps to the
kernel's setup code; QEMU loads them itself."""

import glob
import hashlib
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time

RIG = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(RIG))
CACHE = os.environ.get("HVMOD_CACHE") or os.path.expanduser("~/.cache/hvmod")
OUT = os.environ.get("HVMOD_OUT") or os.path.join(TOP, "out")

# name -> Bochs model; does it name a TSC frequency that ips does not match?
MODELS = {
    "haswell": ("corei7_haswell_4770", False),
    "skylake-x": ("corei7_skylake_x", True),
}
# Instructions in an emulated second. Few make waits short; but on a kernel
# full of checks the timer interrupt must not take as long as a tick lasts.
IPS = {"debug": 100000000}
DEFAULT_IPS = 20000000


def say(text):
    print(time.strftime("%H:%M:%S ") + text, file=sys.stderr, flush=True)


def die(text):
    sys.exit("rig: " + text)


def have_kvm():
    return os.environ.get("RIG") == "kvm"


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def write(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)


def kernel_dir(name):
    """Where build-kernel puts it: our own kernels are told apart by their
    configuration."""
    config = os.path.join(RIG, "kernel", name + ".config")
    if os.path.exists(config):
        base = os.path.join(RIG, "kernel", "base.config")
        digest = hashlib.sha256(read(base, "rb") + read(config, "rb"))
        name += "-" + digest.hexdigest()[:12]
    return os.path.join(CACHE, "kernel", name)


def bochs():
    """What build-bochs makes: one for each set of patches."""
    digest = hashlib.sha256(read(os.path.join(RIG, "build-bochs"), "rb"))
    for patch in sorted(glob.glob(os.path.join(RIG, "bochs", "*.patch"))):
        digest.update(read(patch, "rb"))
    return os.path.join(CACHE, "bochs-" + digest.hexdigest()[:12], "bochs")


def kernel_release(name):
    return read(os.path.join(kernel_dir(name), "release")).strip()


class Initramfs:
    """An archive in the kernel's newc format, made without being root."""

    def __init__(self):
        self.blob = bytearray()
        self.seen = set()
        self.ino = 0

    def _entry(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        if path in self.seen:
            return
        self.seen.add(path)
        parent = os.path.dirname(path)
        if parent and parent not in self.seen:
            self._entry(parent, stat.S_IFDIR | 0o755)
        self._append(path, mode, data, rdev)

    def _append(self, path, mode, data, rdev):
        name = path.encode() + b"\0"
        self.ino += 1
        head = "070701" + "".join("%08x" % v for v in (
            self.ino, mode, 0, 0, 1, 0, len(data), 0, 0,
            rdev[0], rdev[1], len(name), 0))
        self.blob += head.encode() + name
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.blob += data
        self.blob += b"\0" * (-len(self.blob) % 4)

    def dir(self, path, mode=0o755):
        self._entry(path, stat.S_IFDIR | mode)

    def data(self, path, data, mode=0o644):
        if isinstance(data, str):
            data = data.encode()
        self._entry(path, stat.S_IFREG | mode, data)

    def file(self, path, source, mode=None):
        if mode is None:
            mode = os.stat(source).st_mode & 0o777
        self._entry(path, stat.S_IFREG | mode, read(source, "rb"))

    def link(self, path, target):
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, major, minor, mode=0o600):
        self._entry(path, stat.S_IFCHR | mode, b"", (major, minor))

    def program(self, path, source):
        """A program with the libraries that ldd names."""
        self.file(path, source, 0o755)
        ldd = subprocess.run(["ldd", source], capture_output=True, text=True)
        if ldd.returncode:
            return      # static
        for line in ldd.stdout.splitlines():
            for word in line.split():
                if word.startswith("/"):
                    self.file(word, os.path.realpath(word), 0o755)
                    break

    def busybox(self):
        path = shutil.which("busybox") or "/bin/busybox"
        self.file("/bin/busybox", path, 0o755)
        for name in subprocess.run([path, "--list"], capture_output=True,
                                   text=True, check=True).stdout.split():
            self.link("/bin/" + name, "busybox")
        self.link("/sbin", "bin")
        self.dir("/dev")
        self.node("/dev/console", 5, 1)
        self.node("/dev/null", 1, 3, 0o666)
        for path in ("/proc", "/sys", "/run", "/etc", "/root"):
            self.dir(path)
        self.dir("/tmp", 0o1777)

    def save(self, path):
        self._append("TRAILER!!!", 0, b"", (0, 0))
        # The kernel's LZ4 is the old frame format. No disk reads it: quick counts.
        lz4 = subprocess.run(["lz4", "-l", "-1", "-c"], input=bytes(self.blob),
                             stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True)
        write(path, lz4.stdout)


class Machine:
    """One emulated host. serial1 is a file (or a socket when interactive);
    serial2 is a file."""

    def __init__(self, rundir, kernel, initrd, cmdline, cpus=1,
                 model="haswell", memory=1024, interactive=False,
                 verbose=False, ips=DEFAULT_IPS):
        self.rundir = rundir
        self.kernel = kernel
        self.initrd = initrd
        self.cmdline = cmdline
        self.cpus = cpus
        self.model = model
        self.memory = memory
        self.verbose = verbose
        self.ips = ips
        self.console = os.path.join(rundir, "console.log")
        self.results = os.path.join(rundir, "results.log")
        self.proc = None
        self.listener = self.sock = None
        if interactive:
            self.listener = socket.create_server(("127.0.0.1", 0))

    def start(self):
        for path in (self.console, self.results):
            write(path, b"")
        # what a Bochs that was killed leaves behind
        lock = os.path.join(self.rundir, "boot.img.lock")
        if os.path.exists(lock):
            os.unlink(lock)
        with open(os.path.join(self.rundir, "emulator.log"), "wb") as log:
            # It must not outlive this program, however that ends.
            self.proc = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command()],
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=self.rundir,
                start_new_session=True)
        if self.listener:
            self.listener.settimeout(30)
            self.sock = self.listener.accept()[0]

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def seconds(self):
        """Processor time that the emulator has had: what limits count, for
        a busy machine must not fail a test."""
        try:
            fields = read("/proc/%d/stat" % self.proc.pid).rsplit(")", 1)[1]
        except OSError:
            return 0.0
        words = fields.split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self):
        return self.proc.poll() is None


class Qemu(Machine):
    """QEMU: with KVM and nesting where there is VT-x, else its own TCG,
    which has no VMX."""

    kvm = False

    def command(self):
        if self.listener:
            serial = "tcp:127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            serial = "file:" + self.console
        accel = ["-accel", "kvm", "-cpu", "host"] if self.kvm else \
                ["-accel", "tcg,thread=multi", "-cpu", "max"]
        return ["qemu-system-x86_64", *accel, "-machine", "q35",
                "-smp", str(self.cpus), "-m", str(self.memory),
                "-display", "none", "-no-reboot", "-nic", "none",
                "-kernel", self.kernel, "-initrd", self.initrd,
                "-append", self.cmdline,
                "-serial", serial, "-serial", "file:" + self.results]


class Bochs(Machine):
    """Bochs: the only emulator of VMX."""

    SETUP = 0x90000     # the kernel's real mode part and its command line
    CMDLINE = 0xd000    # its offset there
    INITRD = 0x10000000

    def _split_kernel(self):
        """Fill in the boot protocol's header as a boot loader would."""
        image = bytearray(read(self.kernel, "rb"))
        if image[0x202:0x206] != b"HdrS":
            die(self.kernel + " is no bzImage")
        setup_size = (image[0x1f1] + 1) * 512
        setup, rest = image[:setup_size], image[setup_size:]
        cmdline = self.cmdline.encode() + b"\0"
        if setup_size > self.CMDLINE - 0x2000 or len(cmdline) > 2048:
            die("the kernel's setup code or command line is too large")
        setup[0x210] = 0xff                     # type_of_loader
        setup[0x211] |= 0x80                    # CAN_USE_HEAP
        struct.pack_into("<H", setup, 0x224, self.CMDLINE - 0x200)
        struct.pack_into("<I", setup, 0x228, self.SETUP + self.CMDLINE)
        struct.pack_into("<II", setup, 0x218, self.INITRD,
                         os.path.getsize(self.initrd))
        setup += b"\0" * (self.CMDLINE - setup_size) + cmdline
        return bytes(setup), bytes(rest)

    def _boot_sector(self):
        """Says @@firmware on the second serial port, so that a reset is seen;
        then all segments 0x9000, sp 0xd000, jmp 0x9020:0."""
        code = bytes.fromhex(
            "fafc31c08ed8"          # cli; cld; xor ax, ax; mov ds, ax
            "bafb02b003ee"          # LCR: 8 bits, as no BIOS may have set it
            "be3b7c"                # mov si, 0x7c3b
            "ac88c484c07410"        # 1: lodsb; mov ah, al; test al, al; jz 3f
            "bafd02eca82074f8"      # 2: LSR: until the port takes a byte
            "baf80288e0eeebe9"      # it gets ah; jmp 1b
            "b800908ed88ec08ee08ee88ed0bc00d0ea00002090") # 3:
        sector = code + b"\n@@firmware\n\0"
        return sector

    def _images(self):
        """Files, and where in memory they are at the start."""
        setup, rest = self._split_kernel()
        write(os.path.join(self.rundir, "setup.img"), setup)
        write(os.path.join(self.rundir, "kernel.img"), rest)
        return [(os.path.join(self.rundir, "setup.img"), self.SETUP),
                (os.path.join(self.rundir, "kernel.img"), 0x100000),
                (self.initrd, self.INITRD)]

    def command(self):
        path = lambda name: os.path.join(self.rundir, name)
        images = "".join(
            f"optramimage{i}: file={name}, address={address:#x}\n"
            for i, (name, address) in enumerate(self._images(), 1))
        sector = self._boot_sector()
        sector += b"\0" * (510 - len(sector)) + b"\x55\xaa"
        write(path("boot.img"), sector + b"\0" * (16 * 63 * 512 - 512))
        if self.listener:
            com1 = "mode=socket-client, dev=127.0.0.1:%d" % \
                   self.listener.getsockname()[1]
        else:
            com1 = "mode=file, dev=" + self.console
        com2 = "" if self.results == self.console else \
            "com2: enabled=1, mode=file, dev=%s\n" % self.results
        # Every EPT violation is an "error" to Bochs: the log would be huge.
        error = "report" if self.verbose else "ignore"
        bios = os.environ.get("BXSHARE", "/usr/share/bochs")
        write(path("bochsrc"), f"""\
display_library: nogui
romimage: file={bios}/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model={MODELS[self.model][0]}, count={self.cpus}, ips={self.ips}, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest={self.memory}, host={self.memory}
{images}boot: disk
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={path("boot.img")}, mode=flat, cylinders=1, heads=16, spt=63
clock: sync=none
com1: enabled=1, {com1}
{com2}mouse: enabled=0
log: {path("bochs.log")}
panic: action=fatal
error: action={error}
info: action={error}
debug: action=ignore
""")
        return [bochs(), "-q", "-f", path("bochsrc")]


class BochsXen(Bochs):
    """The same kernel as the first domain of Xen, which is there as its boot
    loader would leave it (Multiboot Specification, "Machine state"). All output
    is on the one port that Xen has."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.results = self.console

    INFO = 0x20000
    KERNEL = 0x10000000
    INITRD = 0x14000000
    WORDS = "xen console=com1 com1=115200,8n1 loglvl=warning no-bootscrub " \
            "dom0_mem=640M,max:640M"

    def _images(self):
        elf = read(os.path.join(kernel_dir("xen"), "xen"), "rb")
        self.entry, first = struct.unpack_from("<II", elf, 24)
        kind, offset, _, address, size = struct.unpack_from("<IIIII", elf, first)
        if elf[:5] != b"\x7fELF\1" or kind != 1:
            die("xen is not what a multiboot loader expects")
        path = lambda name: os.path.join(self.rundir, name)
        write(path("xen.img"), elf[offset:offset + size])
        # The information, two modules, and the texts of all three.
        texts = [self.WORDS, "vmlinuz " + self.cmdline, "initrd"]
        at, where = self.INFO + 88 + 2 * 16, []
        for text in texts:
            where.append(at)
            at += len(text) + 1
        flags = 1 << 0 | 1 << 2 | 1 << 3        # memory, command line, modules
        info = struct.pack("<7I", flags, 639, (self.memory - 1) * 1024, 0, where[0],
                           2, self.INFO + 88)
        info += b"\0" * (88 - len(info))
        for base, name, text in ((self.KERNEL, self.kernel, where[1]),
                                 (self.INITRD, self.initrd, where[2])):
            info += struct.pack("<4I", base, base + os.path.getsize(name), text, 0)
        write(path("info.img"), info + b"".join(t.encode() + b"\0" for t in texts))
        return [(path("info.img"), self.INFO), (path("xen.img"), address),
                (self.kernel, self.KERNEL), (self.initrd, self.INITRD)]

    def _boot_sector(self):
        code = bytes.fromhex(
            "fa31c08ed8"            # cli; xor ax, ax; mov ds, ax
            "e4920c02e692"          # port 92h: A20
            "660f0116587c"          # lgdt [0x7c58]
            "0f20c00c010f22c0"      # cr0: PE
            "66ea217c00000800"      # jmp 8:0x7c21
            "66b810008ed88ec08ee08ee88ed0"  # ax = 10h: ds, es, fs, gs, ss
            "b802b0ad2b")           # mov eax, 0x2badb002
        code += b"\xbb" + struct.pack("<I", self.INFO)       # mov ebx
        code += b"\xb9" + struct.pack("<I", self.entry) + b"\xff\xe1"  # ecx; jmp
        code += b"\0" * (0x40 - len(code))
        code += struct.pack("<QQQ", 0, 0x00cf9b000000ffff, 0x00cf93000000ffff)
        code += struct.pack("<HI", 23, 0x7c40)
        return code


def ips_of(kernel):
    return int(os.environ.get("RIG_IPS") or IPS.get(kernel, DEFAULT_IPS))


def host_cmdline(kernel, model, extra="", console="ttyS0,115200"):
    words = ["console=" + console, "rdinit=/init", "printk.time=1", "panic=-1",
             "oops=panic", "loglevel=7", "printk.devkmsg=on"]
    if not have_kvm():
        # Bochs' MONITOR sees no store that another CPU makes through its TLB:
        # a CPU idle in MWAIT would sleep on until its next interrupt.
        # Through the keyboard's controller it resets the CPUs alone, and its
        # BIOS then writes IA32_FEATURE_CONTROL, which is locked already.
        words += ["idle=halt", "reboot=pci"]
    if not have_kvm() and MODELS[model][1]:
        words.append("tsc_early_khz=%d" % (ips_of(kernel) // 1000))
    if extra:
        words.append(extra)
    return " ".join(words)
