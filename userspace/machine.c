// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: makes a VM with memory, devices and vCPUs, starts and stops it.
 * launch.c calls it, once per boot of the guest.  It must take apart in the
 * reverse order: threads, then vCPUs and VM, then memory.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "userspace/boot/acpi.h"
#include "userspace/boot/e820.h"
#include "userspace/boot/layout.h"
#include "userspace/console.h"
#include "userspace/log.h"
#include "userspace/machine.h"
#include "userspace/xen/domain.h"

#define PAUSE_LIMIT	5	/* seconds for a vCPU's thread to come back */

static void notify(int fd)
{
	u64 one = 1;
	ssize_t ret;

	do
		ret = write(fd, &one, sizeof(one));
	while (ret < 0 && errno == EINTR);
}

void machine_ends(struct machine *m, enum machine_end end)
{
	int runs = MACHINE_RUNS;

	atomic_compare_exchange_strong(&m->end, &runs, end);
	notify(m->wake);
}

static void on_poweroff(void *arg)
{
	machine_ends(arg, MACHINE_POWEROFF);
}

static void on_reset(void *arg)
{
	machine_ends(arg, MACHINE_REBOOT);
}

static void set_irq(struct machine *m, u32 gsi, bool level)
{
	int ret = hvm_irq_line(m->vm, gsi, level);

	if (ret < 0 && !atomic_load(&m->stop))
		log_debug("interrupt %u to level %d: %s", gsi, level, strerror(-ret));
}

static void on_sci(void *arg, bool level)
{
	set_irq(arg, GSI_SCI, level);
}

static void on_serial_irq(void *arg, bool level)
{
	set_irq(arg, GSI_COM1, level);
}

static bool on_serial_output(void *arg, u8 byte)
{
	(void)arg;
	return console_put(byte);
}

static void on_console_room(void *arg)
{
	struct machine *m = arg;

	if (m->config->type == MACHINE_PVH)
		xencons_resume(&m->cons);
	else
		serial_sent(&m->serial);
}

static void on_serial_room(void *arg)
{
	struct machine *m = arg;

	notify(m->room);
}

static void on_xen_room(void *arg)
{
	struct machine *m = arg;

	notify(m->room);
}

static void on_xen_send(void *arg)
{
	struct machine *m = arg;
	int ret = hvm_xen_send(m->vm, m->cons_port);

	if (ret < 0 && !atomic_load(&m->stop))
		log_debug("event for the console: %s", strerror(-ret));
}

static void on_store_send(void *arg)
{
	struct machine *m = arg;
	int ret = hvm_xen_send(m->vm, m->store_port);

	if (ret < 0 && !atomic_load(&m->stop))
		log_debug("event for xenstore: %s", strerror(-ret));
}

static void on_store_complaint(void *arg, const char *why)
{
	struct machine *m = arg;

	log_note("%s is cut off from xenstore: %s", m->config->name, why);
}

unsigned int machine_room(struct machine *m)
{
	return m->config->type == MACHINE_PVH ? xencons_room(&m->cons) :
						serial_room(&m->serial);
}

void machine_input(struct machine *m, const u8 *data, unsigned int len)
{
	if (m->config->type == MACHINE_PVH)
		xencons_input(&m->cons, data, len);
	else
		serial_input(&m->serial, data, len);
}

static int machine_devices(struct machine *m, struct err *err)
{
	const struct serial_host host = {
		.arg = m,
		.output = on_serial_output,
		.irq = on_serial_irq,
		.room = on_serial_room,
	};
	int ret;

	bus_init(&m->pio, "port");
	bus_init(&m->mmio, "address");
	/* A PVH domain has local APICs and nothing else. */
	if (m->config->type == MACHINE_PVH)
		return 0;
	serial_init(&m->serial, &host);
	rtc_init(&m->rtc, m->mem.low, m->mem.high);
	pm_init(&m->pm, m, on_poweroff, on_sci);
	ports_init(&m->ports, m, on_reset, log_guest);
	pci_init(&m->pci, &m->ports);
	ret = serial_add(&m->serial, &m->pio, PORT_COM1);
	if (!ret)
		ret = rtc_add(&m->rtc, &m->pio);
	if (!ret)
		ret = pm_add(&m->pm, &m->pio);
	if (!ret)
		ret = ports_add(&m->ports, &m->pio);
	if (!ret)
		ret = pci_add(&m->pci, &m->pio);
	if (ret)
		return err_set(err, -ret, "internal error: two devices at one port");
	return 0;
}

int machine_init(struct machine *m, const struct machine_config *config, struct err *err)
{
	u64 max = 0;
	int ret;

	memset(m, 0, sizeof(*m));
	m->config = config;
	pthread_mutex_init(&m->gate, NULL);
	pthread_cond_init(&m->gate_moves, NULL);
	m->vm = -1;
	m->mem.fd = -1;
	m->cons.kick = -1;
	m->cons.quit = -1;
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->room = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->device = hvm_open(NULL, err);
	if (m->device < 0)
		return m->device;
	if (m->wake < 0 || m->room < 0)
		return err_set(err, EMFILE, "cannot make an eventfd");
	if (config->type == MACHINE_PVH) {
		ret = xencons_init(&m->cons, err);
		if (ret)
			return ret;
		m->store = xenstore_create(HVMOD_XEN_DOMID_GUEST, err);
		if (!m->store)
			return -ENOMEM;
		ret = devices_open(&m->devices, config->disk, config->disks, config->net,
				   config->nets, config->vcpus, err);
		if (ret)
			return ret;
	}
	if (!hvm_cap(m->device, HVMOD_CAP_MAX_VCPUS, &max) && config->vcpus > max)
		return err_set(err, EINVAL, "this module takes %llu vCPUs at most, not %u",
			       max, config->vcpus);
	m->vcpu = calloc(config->vcpus, sizeof(*m->vcpu));
	if (!m->vcpu)
		return err_set(err, ENOMEM, "not enough memory for %u vCPUs", config->vcpus);
	ret = gmem_create(&m->mem, config->memory,
			  config->hugepages ? GMEM_HUGETLB : GMEM_ANON, err);
	if (ret)
		return ret;
	if (!hvm_cap(m->device, HVMOD_CAP_MAX_GPA_BITS, &max) && max < 64 && m->mem.high &&
	    GMEM_HIGH + m->mem.high > 1ULL << max)
		return err_set(err, EINVAL,
			       "guest addresses have %llu bits here: %llu MiB of memory do not fit",
			       max, config->memory / MIB);
	return 0;
}

void machine_exit(struct machine *m)
{
	devices_close(&m->devices);
	gmem_destroy(&m->mem);
	xenstore_destroy(m->store);
	xencons_exit(&m->cons);
	free(m->vcpu);
	m->vcpu = NULL;
	if (m->device >= 0)
		close(m->device);
	if (m->wake >= 0)
		close(m->wake);
	if (m->room >= 0)
		close(m->room);
}

static int machine_memory(struct machine *m, struct err *err)
{
	int ret = hvm_vm_memory(m->vm, 0, 0, 0, m->mem.low, m->mem.base, err);

	if (!ret && m->mem.high)
		ret = hvm_vm_memory(m->vm, 1, 0, GMEM_HIGH, m->mem.high,
				    m->mem.base + m->mem.low, err);
	return ret;
}

static int machine_load(struct machine *m, struct err *err)
{
	bool pvh = m->config->type == MACHINE_PVH;
	u64 room = pvh ? LAYOUT_ACPI_ROOM - LAYOUT_XEN_ROOM : LAYOUT_ACPI_ROOM;
	u8 *acpi = gmem_ptr(&m->mem, LAYOUT_ACPI, LAYOUT_ACPI_ROOM);
	u64 rsdp = 0;
	int ret;

	if (!acpi)
		return err_set(err, EINVAL, "the guest needs 1 MiB of memory at least");
	ret = acpi_build(acpi, room, LAYOUT_ACPI, pvh ? ACPI_REDUCED : ACPI_PC,
			 m->config->vcpus, &rsdp, err);
	if (ret < 0)
		return ret;
	if (pvh)
		return pvh_load(&m->config->files, &m->mem, rsdp, &m->pvh, err);
	return linux_load(&m->config->files, &m->mem, rsdp, &m->image, err);
}

/* Xen's hvm/params.h */
enum {
	PARAM_STORE_PFN = 1,
	PARAM_STORE_EVTCHN = 2,
	PARAM_CONSOLE_PFN = 17,
	PARAM_CONSOLE_EVTCHN = 18,
};

static int machine_store(struct machine *m, struct err *err)
{
	const struct xenstore_host host = {
		.arg = m,
		.send = on_store_send,
		.complain = on_store_complaint,
	};
	struct xen_domain domain = {
		.domid = HVMOD_XEN_DOMID_GUEST,
		.name = m->config->name,
		.uuid = m->config->uuid,
		.memory = m->config->target ? m->config->target : m->config->memory,
		.max_memory = m->config->memory,
		.vcpus = m->config->online ? m->config->online : m->config->vcpus,
		.max_vcpus = m->config->vcpus,
		.store_gfn = LAYOUT_XEN_STORE / PAGE_BYTES,
		.console_gfn = LAYOUT_XEN_CONSOLE / PAGE_BYTES,
		.console_port = m->cons_port,
	};
	u8 *page = gmem_ptr(&m->mem, LAYOUT_XEN_STORE, PAGE_BYTES);
	int ret;

	if (!page)
		return err_set(err, ENOMEM, "the guest needs 1 MiB of memory at least");
	memset(page, 0, PAGE_BYTES);
	ret = hvm_xen_bind(m->vm, xenstore_kick(m->store), &m->store_port);
	if (!ret)
		ret = hvm_xen_set_param(m->vm, PARAM_STORE_PFN, domain.store_gfn);
	if (!ret)
		ret = hvm_xen_set_param(m->vm, PARAM_STORE_EVTCHN, m->store_port);
	if (ret)
		return err_set(err, -ret, "the module refuses a xenstore: %s", strerror(-ret));
	domain.store_port = m->store_port;
	ret = domain_write(m->store, &domain, err);
	if (!ret)
		ret = xenstore_start(m->store, page, &host, err);
	return ret;
}

/* The balloon, and XENMEM_memory_map: the map that hvm_start_info has. */
static int machine_xen_memory(struct machine *m)
{
	struct hvmod_xen_map_entry map[E820_MAX];
	struct e820_entry e820[E820_MAX];
	unsigned int i, n = e820_make(&m->mem, e820);
	int ret;

	for (i = 0; i < n; i++)
		map[i] = (struct hvmod_xen_map_entry) {
			.addr = e820[i].addr,
			.size = e820[i].size,
			.type = e820[i].type,
		};
	ret = hvm_xen_map(m->vm, map, n);
	return ret ? ret : hvm_xen_memory(m->vm, 0, NULL);
}

/* What a toolstack does before a Xen guest runs. */
static int machine_xen(struct machine *m, struct err *err)
{
	const struct xencons_host host = {
		.arg = m,
		.output = on_serial_output,
		.send = on_xen_send,
		.room = on_xen_room,
	};
	u8 *page = gmem_ptr(&m->mem, LAYOUT_XEN_CONSOLE, PAGE_BYTES);
	int ret;

	if (!page)
		return err_set(err, ENOMEM, "the guest needs 1 MiB of memory at least");
	memset(page, 0, PAGE_BYTES);
	ret = hvm_xen_bind(m->vm, m->cons.kick, &m->cons_port);
	if (!ret)
		ret = hvm_xen_set_param(m->vm, PARAM_CONSOLE_PFN, LAYOUT_XEN_CONSOLE / PAGE_BYTES);
	if (!ret)
		ret = hvm_xen_set_param(m->vm, PARAM_CONSOLE_EVTCHN, m->cons_port);
	if (ret)
		return err_set(err, -ret, "the module refuses a Xen console: %s", strerror(-ret));
	ret = machine_xen_memory(m);
	if (ret)
		return err_set(err, -ret, "the module refuses the guest's memory map: %s",
			       strerror(-ret));
	ret = machine_store(m, err);
	if (!ret)
		ret = devices_start(&m->devices, m->store, m->vm, &m->mem, err);
	return ret ? ret : xencons_start(&m->cons, page, &host, err);
}

static int machine_make(struct machine *m, struct err *err)
{
	bool pvh = m->config->type == MACHINE_PVH;
	u32 devices = HVMOD_DEV_PIC | HVMOD_DEV_IOAPIC | HVMOD_DEV_PIT | HVMOD_DEV_PMTMR;
	u64 khz = 0;
	u32 i;
	int ret;

	ret = machine_devices(m, err);
	if (!ret)
		ret = machine_load(m, err);
	if (ret)
		return ret;
	if (pvh)
		m->vm = hvm_vm_create(m->device, HVMOD_KIND_PVH, 0, 0, err);
	else
		m->vm = hvm_vm_create(m->device, HVMOD_KIND_PC, devices, PORT_PM_TIMER, err);
	if (m->vm < 0)
		return m->vm;
	if (hvm_cap(m->device, HVMOD_CAP_TSC_KHZ, &khz) || khz > UINT32_MAX)
		khz = 0;
	m->tsc_khz = (u32)khz;
	ret = machine_memory(m, err);
	if (!ret && pvh)
		ret = machine_xen(m, err);
	for (i = 0; !ret && i < m->config->vcpus; i++) {
		ret = vcpu_create(m, i, err);
		if (!ret)
			m->vcpus++;
	}
	return ret;
}

static int machine_threads(struct machine *m, struct err *err)
{
	int ret = console_start(on_console_room, m);
	u32 i;

	if (ret)
		err_set(err, -ret, "no thread for the console: %s", strerror(-ret));
	for (i = 0; !ret && i < m->vcpus; i++)
		ret = vcpu_start(&m->vcpu[i], err);
	return ret;
}

int machine_start(struct machine *m, struct err *err)
{
	int ret;

	atomic_store(&m->end, MACHINE_RUNS);
	atomic_store(&m->stop, false);
	m->vcpus = 0;
	m->parked = 0;
	memset(m->vcpu, 0, m->config->vcpus * sizeof(*m->vcpu));
	ret = machine_make(m, err);
	if (!ret)
		ret = machine_threads(m, err);
	if (ret) {
		machine_stop(m);
		machine_destroy(m);
	}
	return ret;
}

int machine_soft_reset(struct machine *m, struct err *err)
{
	int ret;

	atomic_store(&m->end, MACHINE_RUNS);
	atomic_store(&m->stop, false);
	/* The guest's memory, with the kernel that goes on, stays as it is. */
	ret = hvm_xen_resume(m->vm, true);
	if (ret)
		err_set(err, -ret, "the module refuses a soft reset: %s", strerror(-ret));
	else
		ret = machine_xen(m, err);
	if (!ret)
		ret = machine_threads(m, err);
	if (ret) {
		machine_stop(m);
		machine_destroy(m);
	}
	return ret;
}

int machine_pause(struct machine *m, bool pause)
{
	struct timespec limit;
	int ret = 0;
	u32 i;

	pthread_mutex_lock(&m->gate);
	atomic_store(&m->pause, pause);
	pthread_cond_broadcast(&m->gate_moves);
	for (i = 0; pause && i < m->vcpus; i++)
		if (m->vcpu[i].started)
			vcpu_kick(&m->vcpu[i]);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += PAUSE_LIMIT;
	while (!ret && pause && m->vcpus && m->parked < m->vcpus && !atomic_load(&m->end))
		ret = pthread_cond_timedwait(&m->gate_moves, &m->gate, &limit);
	pthread_mutex_unlock(&m->gate);
	return -ret;
}

void machine_stop(struct machine *m)
{
	u32 i;

	pthread_mutex_lock(&m->gate);
	atomic_store(&m->stop, true);
	pthread_cond_broadcast(&m->gate_moves);
	pthread_mutex_unlock(&m->gate);
	for (i = 0; i < m->vcpus; i++)
		if (m->vcpu[i].started)
			vcpu_kick(&m->vcpu[i]);
	for (i = 0; i < m->vcpus; i++) {
		if (m->vcpu[i].started)
			pthread_join(m->vcpu[i].thread, NULL);
		m->vcpu[i].started = false;
	}
	devices_stop(&m->devices);
	if (m->store)
		xenstore_stop(m->store);
	xencons_stop(&m->cons);
	console_stop();
}

void machine_destroy(struct machine *m)
{
	while (m->vcpus)
		hvm_vcpu_destroy(&m->vcpu[--m->vcpus].hvm);
	if (m->vm >= 0)
		close(m->vm);
	m->vm = -1;
}
