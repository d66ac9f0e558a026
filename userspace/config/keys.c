// SPDX-License-Identifier: GPL-2.0
/*
 * A table of the keys of xl.cfg(5) and what hvctl makes of them.  guest.c calls
 * it.  It must list a key as KEY_SILENT only where nothing is lost.
 */
#include <string.h>

#include "userspace/config/keys.h"
#include "userspace/lib/types.h"

#define LONGEST		32

/* What guest.c reads; here for keys_near(). */
static const char *const read_keys[] = {
	"name", "type", "builder", "pvh", "kernel", "ramdisk", "cmdline", "root", "extra",
	"bootloader", "memory", "maxmem", "vcpus", "maxvcpus", "uuid", "disk", "vif",
	"on_poweroff", "on_reboot", "on_crash", "on_watchdog",
};

/* A PVH guest has no such device, memory is shared by need, and so on. */
static const char *const silent[] = {
	"acpi", "apic", "pae", "nx", "hap", "shadow_memory", "xen_platform_pci", "hpet",
	"acpi_s3", "acpi_s4", "acpi_laptop_slate", "localtime", "viridian", "vnc", "sdl",
	"vncconsole", "nographic", "max_grant_frames", "max_maptrack_frames",
	"nomigrate", "disable_migrate", "vnclisten", "vncunused", "vncdisplay",
	"vncpasswd", "spice", "console", "serial", "boot", "keymap", "stdvga", "on_soft_reset",
};

static const char *const no_effect[] = {
	"pool", "cpus", "cpus_soft", "cpu_weight", "cap", "vnuma", "firmware", "bios",
	"pvshim_path", "pvshim_cmdline", "pvshim_extra", "seclabel", "init_seclabel",
	"max_grant_version", "device_tree", "passthrough", "xend_suspend_evtchn_compat",
	"vmtrace_buf_kb", "vpmu", "vfb", "channel", "rdm", "usbctrl", "usbdev", "pci_msitranslate",
	"pci_seize", "pci_power_mgmt", "pci_permissive", "gfx_passthru_kind", "rdm_mem_boundary",
	"event_channels", "blkdev_start", "ioports", "iomem", "irqs", "vdispl", "vsnd", "vkb",
	"driver_domain", "gfx_passthru", "pvshim",
	"tee", "hdtype", "altp2m", "altp2mhvm", "nestedhvm", "cpuid", "msr_relaxed", "tsc_mode",
	"rtc_timeoffset", "timer_mode", "vpt_align", "ms_vm_genid", "videoram",
	"vga", "opengl", "spiceport", "spicetls_port", "spicehost", "spicedisable_ticketing",
	"spicepasswd", "spiceagent_mouse", "spicevdagent", "spice_clipboard_sharing",
	"spiceusbredirection", "spice_image_compression", "spice_streaming_video", "soundhw",
	"vkb_device", "usb", "usbversion", "usbdevice", "vendor_device", "device_model_version",
	"device_model_override", "device_model_stubdomain_override", "device_model_user",
	"device_model_args", "device_model_args_pv", "device_model_args_hvm", "device_model",
	"device_model_stubdomain_seclabel", "stubdomain_memory", "stubdomain_kernel",
	"stubdomain_cmdline", "stubdomain_ramdisk", "parallel", "smbios_firmware",
	"acpi_firmware", "acpi_table", "smbios", "mmio_hole", "bios_path_override",
	"vuart", "gic_version", "suppress_spurious_page_faults", "e820_host", "mca_caps",
	"bootloader_args", "period", "slice", "extratime", "latency", "budget", "dm_restrict",
	"llc_colors",
};

static const char *const refused[] = {
	"pci", "dtdev", "vtpm", "p9", "pvcalls", "vscsi", "virtio",
};

static bool is_in(const char *key, const char *const *list, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(key, list[i]))
			return true;
	return false;
}

enum key_kind keys_find(const char *key)
{
	if (is_in(key, silent, ARRAY_SIZE(silent)))
		return KEY_SILENT;
	if (is_in(key, no_effect, ARRAY_SIZE(no_effect)))
		return KEY_NO_EFFECT;
	if (is_in(key, refused, ARRAY_SIZE(refused)))
		return KEY_REFUSED;
	return KEY_UNKNOWN;
}

/* Letters to change, add, remove or swap: the optimal string alignment distance. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[LONGEST + 2][LONGEST + 2];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	for (i = 0; i <= la; i++)
		d[i][0] = (unsigned int)i;
	for (j = 0; j <= lb; j++)
		d[0][j] = (unsigned int)j;
	for (i = 1; i <= la; i++)
		for (j = 1; j <= lb; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[la][lb];
}

static void nearest(const char *key, const char *const *list, unsigned int count,
		    const char **best, unsigned int *least)
{
	unsigned int i, d;

	for (i = 0; i < count; i++) {
		d = distance(key, list[i]);
		if (d < *least) {
			*least = d;
			*best = list[i];
		}
	}
}

const char *keys_near(const char *key)
{
	unsigned int least = strlen(key) > 4 ? 3 : 2;
	const char *best = NULL;

	nearest(key, read_keys, ARRAY_SIZE(read_keys), &best, &least);
	nearest(key, silent, ARRAY_SIZE(silent), &best, &least);
	nearest(key, no_effect, ARRAY_SIZE(no_effect), &best, &least);
	return best;
}
