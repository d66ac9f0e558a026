// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI's fixed hardware: PM1 event and control block, GPE block 0.  The bus
 * calls it for the guest.  It must not have a bit that the FADT denies.
 */
#include <string.h>

#include "userspace/boot/layout.h"
#include "userspace/dev/pm.h"
#include "userspace/log.h"

#define PM1_PWRBTN	BIT(8)
#define PM1_GBL		BIT(5)
#define PM1_RTC		BIT(10)
/*
 * What can be enabled.  The RTC's event never comes, but Linux's driver of the
 * clock insists that it can be switched on.
 */
#define PM1_ENABLE	(PM1_GBL | PM1_PWRBTN | PM1_RTC)

#define CNT_SCI_EN	BIT(0)
#define CNT_SLP_SHIFT	10
#define CNT_SLP_MASK	7
#define CNT_SLP_EN	BIT(13)

static void update_line(struct pm *pm)
{
	bool level = pm->status & pm->enable;

	if (level == pm->line)
		return;
	pm->line = level;
	if (pm->irq)
		pm->irq(pm->arg, level);
}

static u32 event_read(void *dev, u32 offset, u32 size)
{
	struct pm *pm = dev;
	u32 value;

	pthread_mutex_lock(&pm->lock);
	value = (pm->status | (u32)pm->enable << 16) >> (offset * 8);
	pthread_mutex_unlock(&pm->lock);
	return size == 4 ? value : value & ((1U << (size * 8)) - 1);
}

static void event_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct pm *pm = dev;
	u32 mask = size == 4 ? ~0U : (1U << (size * 8)) - 1;
	u32 bits = value << (offset * 8);

	mask <<= offset * 8;
	pthread_mutex_lock(&pm->lock);
	pm->status &= ~(u16)(bits & mask);	/* ones clear */
	mask >>= 16;
	pm->enable = ((pm->enable & ~mask) | (bits >> 16 & mask)) & PM1_ENABLE;
	update_line(pm);
	pthread_mutex_unlock(&pm->lock);
}

static u32 control_read(void *dev, u32 offset, u32 size)
{
	struct pm *pm = dev;
	u32 value;

	pthread_mutex_lock(&pm->lock);
	value = (u32)(pm->control | CNT_SCI_EN) >> (offset * 8);
	pthread_mutex_unlock(&pm->lock);
	return size == 1 ? value & 0xff : value;
}

static void control_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct pm *pm = dev;
	u32 mask = (size == 1 ? 0xffU : 0xffffU) << (offset * 8), type;
	bool off = false;

	pthread_mutex_lock(&pm->lock);
	pm->control = (u16)((pm->control & ~mask) | (value << (offset * 8) & mask));
	if (pm->control & CNT_SLP_EN) {
		pm->control &= ~CNT_SLP_EN;	/* write only */
		type = pm->control >> CNT_SLP_SHIFT & CNT_SLP_MASK;
		off = type == SLP_TYP_S5;
		if (!off)
			log_debug("the guest asks for a sleep state that is not offered (SLP_TYP %u)",
				  type);
	}
	pthread_mutex_unlock(&pm->lock);
	if (off)
		pm->poweroff(pm->arg);
}

static u32 gpe_read(void *dev, u32 offset, u32 size)
{
	struct pm *pm = dev;
	u32 value;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	value = pm->gpe[offset % PORT_GPE0_LEN];
	pthread_mutex_unlock(&pm->lock);
	return value;
}

static void gpe_write(void *dev, u32 offset, u32 size, u32 value)
{
	struct pm *pm = dev;

	(void)size;
	offset %= PORT_GPE0_LEN;
	pthread_mutex_lock(&pm->lock);
	if (offset < PORT_GPE0_LEN / 2)
		pm->gpe[offset] &= ~(u8)value;
	else
		pm->gpe[offset] = (u8)value;
	pthread_mutex_unlock(&pm->lock);
}

void pm_init(struct pm *pm, void *arg, void (*poweroff)(void *arg),
	     void (*irq)(void *arg, bool level))
{
	memset(pm, 0, sizeof(*pm));
	pthread_mutex_init(&pm->lock, NULL);
	pm->arg = arg;
	pm->poweroff = poweroff;
	pm->irq = irq;
}

int pm_add(struct pm *pm, struct bus *bus)
{
	static const struct bus_ops event = { event_read, event_write };
	static const struct bus_ops control = { control_read, control_write };
	static const struct bus_ops gpe = { gpe_read, gpe_write };
	struct bus_region region[] = {
		{ PORT_PM1_EVENT, 4, 4, "pm1-event", &event, pm },
		{ PORT_PM1_CONTROL, 2, 2, "pm1-control", &control, pm },
		{ PORT_GPE0, PORT_GPE0_LEN, 1, "gpe0", &gpe, pm },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(region) && !ret; i++)
		ret = bus_add(bus, &region[i]);
	return ret;
}

bool pm_button(struct pm *pm)
{
	bool heard;

	pthread_mutex_lock(&pm->lock);
	heard = pm->enable & PM1_PWRBTN;
	pm->status |= PM1_PWRBTN;
	update_line(pm);
	pthread_mutex_unlock(&pm->lock);
	return heard;
}
