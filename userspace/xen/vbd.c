// SPDX-License-Identifier: GPL-2.0
/*
 * A Xen disk in xenstore: what is offered, what the front end asked for, and when
 * the back end runs.  The machine's devices call it.  It must check each number
 * of the front end before blkback has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/lib/hvm.h"
#include "userspace/log.h"
#include "userspace/xen/vbd.h"

/* Xen's io/blkif.h */
#define VDISK_CDROM	BIT(0)
#define VDISK_READONLY	BIT(2)

static int on_bind(void *arg, u32 port, int kick)
{
	return hvm_xen_connect(((struct vbd *)arg)->vm, port, kick);
}

static void on_unbind(void *arg, u32 port)
{
	/* The guest may have closed it before. */
	hvm_xen_disconnect(((struct vbd *)arg)->vm, port);
}

static void on_send(void *arg, u32 port)
{
	hvm_xen_send(((struct vbd *)arg)->vm, port);
}

static void on_broken(void *arg, const char *why)
{
	struct vbd *vbd = arg;

	log_note("disk %s: the guest sends nonsense: %s", vbd->name, why);
	xenbus_fail(vbd->dev, why);
}

static const struct blkback_host host = {
	.bind = on_bind, .unbind = on_unbind, .send = on_send, .broken = on_broken,
};

/* ---- xenstore ---- */

struct number {
	const char *name;
	u32 value;
};

static int write_numbers(struct xenbus *dev, u32 tx, const struct number *numbers, u32 count)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++)
		ret = xs_printf(xenbus_store(dev), tx, xenbus_back(dev), numbers[i].name, "%u",
				numbers[i].value);
	return ret;
}

/*
 * Persistent grants are for back ends to which mapping a page is dear.  Here it is
 * not, and without them a guest needs no copy of its data: they are offered where
 * the disk's text asks for it.  A front end that keeps its grants is served as any.
 */
static int describe(void *arg, struct xenbus *dev, u32 tx)
{
	const struct vbd *vbd = arg;
	const struct number numbers[] = {
		{ "removable", vbd->cdrom },
		{ "bootable", 1 },
		{ "feature-flush-cache", 1 },
		{ "feature-barrier", 1 },
		{ "feature-persistent", vbd->persistent },
		{ "feature-max-indirect-segments", BLKBACK_SEGMENTS },
		{ "max-ring-page-order", BLKBACK_PAGE_ORDER },
		{ "multi-queue-max-queues", vbd->bb.queues },
		{ "feature-discard", vbd->disk.discard },
		{ "discard-granularity", vbd->block },
		{ "discard-alignment", 0 },
		{ "discard-secure", 0 },
	};
	struct xenstore *xs = xenbus_store(dev);
	const char *front = xenbus_front(dev), *back = xenbus_back(dev);
	const char *type = vbd->cdrom ? "cdrom" : "disk";
	int ret = write_numbers(dev, tx, numbers, ARRAY_SIZE(numbers));

	if (!ret)
		ret = xs_printf(xs, tx, back, "dev", "%s", vbd->name);
	if (!ret)
		ret = xs_printf(xs, tx, back, "device-type", "%s", type);
	if (!ret)
		ret = xs_printf(xs, tx, back, "mode", "%s", vbd->disk.readonly ? "r" : "w");
	if (!ret)
		ret = xs_printf(xs, tx, front, "virtual-device", "%u", vbd->number);
	if (!ret)
		ret = xs_printf(xs, tx, front, "device-type", "%s", type);
	return ret;
}

/* A number of the front end's; @other when there is none. */
static int get(struct xenbus *dev, const char *dir, const char *node, u32 other, u32 *value,
	       struct err *err)
{
	int ret = xs_read_u32(xenbus_store(dev), 0, dir, node, value);

	if (ret == -ENOENT) {
		*value = other;
		return 0;
	}
	return ret ? err_set(err, -ret, "%s/%s is not a number", dir, node) : 0;
}

static int need(struct xenbus *dev, const char *dir, const char *node, u32 *value,
		struct err *err)
{
	int ret = xs_read_u32(xenbus_store(dev), 0, dir, node, value);

	return ret ? err_set(err, -ret, "%s/%s is missing or not a number", dir, node) : 0;
}

/* A ring of one page may be named in two ways. */
static int read_queue(struct xenbus *dev, struct blkback_front *front, u32 queue,
		      const char *dir, u32 order, bool named, struct err *err)
{
	char node[24];
	int ret = 0;
	u32 i;

	for (i = 0; i < 1U << order && !ret; i++) {
		if (named)
			snprintf(node, sizeof(node), "ring-ref%u", i);
		else
			snprintf(node, sizeof(node), "ring-ref");
		ret = need(dev, dir, node, &front->queue[queue].ref[i], err);
	}
	if (!ret)
		ret = need(dev, dir, "event-channel", &front->queue[queue].port, err);
	return ret;
}

static int read_abi(struct xenbus *dev, struct blkback_front *front, struct err *err)
{
	char path[XENBUS_DIR_MAX + 16], *name;
	int abi = BLKIF_X86_64;

	snprintf(path, sizeof(path), "%s/protocol", xenbus_front(dev));
	name = xs_read(xenbus_store(dev), 0, path, NULL);
	if (name)
		abi = blkif_abi_named(name);
	if (abi < 0)
		err_set(err, EINVAL, "the protocol %.32s is not known: x86_64-abi, x86_32-abi",
			name);
	free(name);
	front->abi = abi < 0 ? BLKIF_X86_64 : (enum blkif_abi)abi;
	return abi < 0 ? abi : 0;
}

static int read_front(struct vbd *vbd, struct xenbus *dev, struct blkback_front *front,
		      struct err *err)
{
	const char *base = xenbus_front(dev);
	char dir[XENBUS_DIR_MAX + 16];
	u32 order, i;
	bool named;
	int ret = read_abi(dev, front, err);

	if (!ret)
		ret = get(dev, base, "multi-queue-num-queues", 1, &front->queues, err);
	named = xs_read_u32(xenbus_store(dev), 0, base, "ring-page-order", &order) != -ENOENT;
	if (!ret)
		ret = get(dev, base, "ring-page-order", 0, &order, err);
	if (ret)
		return ret;
	if (!front->queues || front->queues > vbd->bb.queues)
		return err_set(err, EINVAL, "%u queues; %u are possible", front->queues,
			       vbd->bb.queues);
	if (order > BLKBACK_PAGE_ORDER)
		return err_set(err, EINVAL, "a ring of order %u; %u is possible", order,
			       BLKBACK_PAGE_ORDER);
	front->pages = 1U << order;
	if (front->queues == 1)
		return read_queue(dev, front, 0, base, order, named && order, err);
	for (i = 0; i < front->queues && !ret; i++) {
		snprintf(dir, sizeof(dir), "%s/queue-%u", base, i);
		ret = read_queue(dev, front, i, dir, order, named && order, err);
	}
	return ret;
}

bool vbd_uring(const struct vbd *vbd)
{
	return aio_is_uring(vbd->bb.queue[0].aio);
}

static int connect_front(void *arg, struct xenbus *dev, struct err *err)
{
	struct vbd *vbd = arg;
	const struct number numbers[] = {
		{ "sector-size", BLKIF_SECTOR },
		{ "physical-sector-size", vbd->block },
		{ "info", (vbd->disk.readonly ? VDISK_READONLY : 0) |
			  (vbd->cdrom ? VDISK_CDROM : 0) },
	};
	struct blkback_front front = { .queues = 0 };
	struct blkback_host mine = host;
	int ret = read_front(vbd, dev, &front, err);

	if (ret)
		return ret;
	ret = xs_printf(xenbus_store(dev), 0, xenbus_back(dev), "sectors", "%llu",
			vbd->disk.sectors);
	if (!ret)
		ret = write_numbers(dev, 0, numbers, ARRAY_SIZE(numbers));
	if (ret)
		return err_set(err, -ret, "cannot write into xenstore: %s", strerror(-ret));
	mine.arg = vbd;
	ret = blkback_connect(&vbd->bb, &mine, vbd->gt, &front, err);
	if (!ret)
		log_debug("disk %s: %u queues of %u pages, %s", vbd->name, front.queues,
			  front.pages, vbd_uring(vbd) ? "io_uring" : "threads");
	return ret;
}

static void disconnect_front(void *arg, struct xenbus *dev)
{
	struct vbd *vbd = arg;
	u32 i;

	(void)dev;
	blkback_disconnect(&vbd->bb);
	for (i = 0; i < vbd->bb.front.queues; i++) {
		const struct blkback_stat *s = &vbd->bb.queue[i].stat;

		log_debug("disk %s, queue %u: %lu reads of %lu, %lu writes of %lu sectors, %lu flushes, %lu discards, %lu errors, %lu events",
			  vbd->name, i, atomic_load(&s->reads), atomic_load(&s->read_sectors),
			  atomic_load(&s->writes), atomic_load(&s->write_sectors),
			  atomic_load(&s->flushes), atomic_load(&s->discards),
			  atomic_load(&s->errors), atomic_load(&s->events));
	}
}

static const struct xenbus_ops ops = {
	.describe = describe,
	.connect = connect_front,
	.disconnect = disconnect_front,
};

/* ---- life ---- */

/* Size, and the block that the host keeps it in. */
static int measure(struct vbd *vbd, const char *path, struct err *err)
{
	struct stat st;
	u64 bytes;
	int block = 0;

	if (fstat(vbd->disk.fd, &st))
		return err_set(err, errno, "cannot look at %s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		bytes = (u64)st.st_size;
		block = (int)st.st_blksize;
	} else if (S_ISBLK(st.st_mode)) {
		if (ioctl(vbd->disk.fd, BLKGETSIZE64, &bytes) ||
		    ioctl(vbd->disk.fd, BLKPBSZGET, &block))
			return err_set(err, errno, "cannot look at %s: %s", path, strerror(errno));
	} else {
		return err_set(err, EINVAL, "%s is neither a regular file nor a block device",
			       path);
	}
	vbd->disk.sectors = bytes / BLKIF_SECTOR;
	if (!vbd->disk.sectors)
		return err_set(err, EINVAL,
			       "%s is empty: make it as large as the disk shall be (truncate -s 1G %s)",
			       path, path);
	if (bytes % BLKIF_SECTOR)
		log_note("the last %llu bytes of %s are no sector: the guest does not see them",
			 bytes % BLKIF_SECTOR, path);
	vbd->block = block < (int)BLKIF_SECTOR || block > 65536 || block & (block - 1) ?
		     4096 : (u32)block;
	return 0;
}

static int open_file(struct vbd *vbd, const char *path, struct err *err)
{
	bool readonly = vbd->disk.readonly;

	vbd->disk.fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (vbd->disk.fd < 0 && !readonly && (errno == EACCES || errno == EROFS))
		return err_set(err, errno,
			       "cannot open %s for writing: %s (give it to the guest read-only: access=ro)",
			       path, strerror(errno));
	if (vbd->disk.fd < 0)
		return err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	/* Two guests that write one disk destroy what is on it. */
	if (flock(vbd->disk.fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return err_set(err, EBUSY, "%s is in use, by another guest perhaps", path);
		log_note("cannot lock %s: %s", path, strerror(errno));
	}
	return measure(vbd, path, err);
}

int vbd_open(struct vbd *vbd, const struct disk_spec *spec, u32 vcpus, struct gnttab *gt,
	     struct err *err)
{
	int ret;

	memset(vbd, 0, sizeof(*vbd));
	vbd->disk.fd = -1;
	vbd->vm = -1;
	vbd->gt = gt;
	vbd->number = spec->number;
	snprintf(vbd->name, sizeof(vbd->name), "%s", spec->vdev);
	vbd->cdrom = spec->cdrom;
	vbd->persistent = spec->persistent;
	vbd->disk.readonly = spec->readonly;
	if (!spec->target)
		return err_set(err, EINVAL, "disk %s: a drive without a disc is not possible here",
			       vbd->name);
	if (spec->format != DISK_RAW)
		return err_set(err, EINVAL,
			       "disk %s: its format is %s, only raw is possible (qemu-img convert -O raw)",
			       vbd->name, disk_format_name(spec->format));
	if (spec->script || spec->backend)
		return err_set(err, EINVAL,
			       "disk %s: hvctl itself is its back end; no script, no other domain",
			       vbd->name);
	ret = open_file(vbd, spec->target, err);
	if (ret)
		return ret;
	vbd->disk.discard = spec->discard && !spec->readonly;
	if (vcpus > BLKBACK_QUEUES)
		vcpus = BLKBACK_QUEUES;
	return blkback_init(&vbd->bb, &vbd->disk, vcpus, AIO_ANY, err);
}

void vbd_close(struct vbd *vbd)
{
	blkback_exit(&vbd->bb);
	if (vbd->disk.fd >= 0)
		close(vbd->disk.fd);
	vbd->disk.fd = -1;
}

int vbd_start(struct vbd *vbd, struct xenstore *xs, u32 domid, int vm, struct err *err)
{
	const struct xenbus_config config = {
		.xs = xs,
		.kind = "vbd",
		.domid = domid,
		.id = vbd->number,
		.ops = &ops,
		.arg = vbd,
	};

	vbd->vm = vm;
	return xenbus_add(&config, &vbd->dev, err);
}

void vbd_stop(struct vbd *vbd)
{
	if (vbd->dev)
		xenbus_remove(vbd->dev);
	vbd->dev = NULL;
	vbd->vm = -1;
}
