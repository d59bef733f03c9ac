#include "store/iface.h"

#include "base/mem.h"
#include "port/port.h"

struct iface_table {
	struct port_monitor *lock; /* guards adding */
	struct iface *all[IFACE_MAX];
	struct iface *lanes[LANE_MAX][IFACE_MAX];
	_Atomic unsigned lane_fill[LANE_MAX]; /* released after the entry is complete */
	_Atomic unsigned count, lane_count;
	unsigned inherited; /* of them, known before */
};

struct iface_table *iface_table_new(void)
{
	struct iface_table *t = mem_new(1, sizeof *t);

	if (!t)
		return NULL;
	t->lock = port_monitor_new();
	if (!t->lock) {
		mem_free(t);
		return NULL;
	}
	return t;
}

void iface_table_free(struct iface_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < iface_count(t); i++)
		mem_free(t->all[i]);
	port_monitor_free(t->lock);
	mem_free(t);
}

unsigned iface_count(const struct iface_table *t)
{
	return atomic_load_explicit(&t->count, memory_order_acquire);
}

unsigned iface_lane_count(const struct iface_table *t)
{
	return atomic_load_explicit(&t->lane_count, memory_order_acquire);
}

unsigned iface_count_in_lane(const struct iface_table *t, unsigned lane)
{
	return atomic_load_explicit(&t->lane_fill[lane], memory_order_acquire);
}

struct iface *iface_at(const struct iface_table *t, unsigned index)
{
	return t->all[index];
}

struct iface *iface_in_lane(const struct iface_table *t, unsigned lane, unsigned id)
{
	return t->lanes[lane][id];
}

/* The lane of a link type and snap length; a new one where there is none yet. */
bool iface_is_loopback(const struct iface_info *info)
{
	return !strcmp(info->name, "lo") || !strcmp(info->hardware, IFACE_LOOPBACK);
}

static unsigned find_lane(struct iface_table *t, const struct iface_info *info)
{
	unsigned lane, lanes = iface_lane_count(t);

	for (lane = 0; lane < lanes; lane++) {
		const struct iface_info *first = &t->lanes[lane][0]->info;

		if (first->linktype == info->linktype && first->snaplen == info->snaplen)
			break;
	}
	return lane;
}

static struct iface *add_locked(struct iface_table *t, const struct iface_info *info,
				struct weir_error *err)
{
	unsigned lane = find_lane(t, info), count = iface_count(t);
	struct iface *i;

	if (count == IFACE_MAX || lane == LANE_MAX) {
		(void)err_set(
			err, WEIR_ERR_LIMIT,
			"cannot add interface '%s': a store has at most %d interfaces of %d "
			"link types",
			info->name, IFACE_MAX, LANE_MAX);
		return NULL;
	}
	i = mem_new(1, sizeof *i);
	if (!i) {
		(void)err_set(err, WEIR_ERR_NO_MEMORY,
			      "cannot add interface '%s': no memory", info->name);
		return NULL;
	}
	i->info = *info;
	i->lane = lane;
	i->id = iface_count_in_lane(t, lane);
	t->all[count] = i;
	t->lanes[lane][i->id] = i;
	atomic_store_explicit(&t->lane_fill[lane], i->id + 1, memory_order_release);
	if (lane == iface_lane_count(t))
		atomic_store_explicit(&t->lane_count, lane + 1, memory_order_release);
	atomic_store_explicit(&t->count, count + 1, memory_order_release);
	return i;
}

/* Both were zeroed before they were filled in. */
static struct iface *claim(const struct iface_table *t, const struct iface_info *info)
{
	for (unsigned i = 0; i < t->inherited; i++) {
		struct iface *old = t->all[i];

		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): zeroed, see above */
		if (!old->is_unclaimed || memcmp(&old->info, info, sizeof *info) != 0)
			continue;
		old->is_unclaimed = false;
		return old;
	}
	return NULL;
}

struct iface *iface_inherit(struct iface_table *t, const struct iface_info *info,
			    struct weir_error *err)
{
	struct iface *i;

	port_monitor_lock(t->lock);
	i = add_locked(t, info, err);
	if (i) {
		i->is_unclaimed = true;
		t->inherited++;
	}
	port_monitor_unlock(t->lock);
	return i;
}

unsigned iface_inherited(const struct iface_table *t)
{
	return t->inherited;
}

struct iface *iface_add(struct iface_table *t, const struct iface_info *info,
			struct weir_error *err)
{
	struct iface *i;

	port_monitor_lock(t->lock);
	i = claim(t, info);
	if (!i)
		i = add_locked(t, info, err);
	port_monitor_unlock(t->lock);
	return i;
}
