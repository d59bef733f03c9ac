#include "capture/judge.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "filter/recorded.h"

#include <string.h>

#define SEEN 4096 /* a power of two */

int judge_init(struct judge *j, struct attribution *a, const struct filter *filter,
	       struct iface_table *ifaces, uint32_t snaplen, struct weir_error *err)
{
	*j = (struct judge){ .attribution = a,
			     .filter = filter && filter_asks_process(filter) ? filter
									     : NULL,
			     .asks = filter ? filter_asks_of_process(filter) : 0,
			     .ifaces = ifaces,
			     .snaplen = snaplen ? snaplen : UINT32_MAX };
	j->seen = mem_new(SEEN, sizeof *j->seen);
	if (!j->seen)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution");
	return j->filter ? attribution_judge_by(a, j->filter, err) : 0;
}

void judge_fini(struct judge *j)
{
	mem_free(j->seen);
	j->seen = NULL;
}

void judge_begin(struct judge *j)
{
	attribution_refresh(j->attribution);
}

void judge_begin_span(struct judge *j)
{
	j->span++;
	judge_begin(j);
}

static void note(struct judge *j, struct span *span, uint32_t process)
{
	struct judge_seen *s = &j->seen[process & (SEEN - 1)];

	if (s->process == process && s->span == j->span)
		return;
	*s = (struct judge_seen){ .process = process, .span = j->span };
	if (span->process_count < SPAN_PROCESSES)
		span->processes[span->process_count++] = process;
}

/* What the filter asks of a process may not be found out yet, on a machine that is busy (or kept so): where that decides,
 * the packet is recorded, and counted.  Another look at the recording tells; one that is not there cannot be had any
 * more. */
static bool takes(struct judge *j, const struct recorded *r, unsigned pending)
{
	enum filter_answer answer;

	if (!pending)
		return filter_takes(j->filter, r);
	answer = filter_takes_pending(j->filter, r, pending);
	if (answer == FILTER_OPEN)
		attribution_count_pending(j->attribution);
	return answer != FILTER_NO;
}

static unsigned pending_of(const struct attribution_known *known)
{
	return (known->is_pending ? FILTER_ASKS_FACTS : 0U) |
	       (known->is_name_pending ? FILTER_ASKS_NAME : 0U);
}

static bool is_wanted(struct judge *j, const struct attributed *p,
		      const struct iface *iface, const struct record_owner *owner,
		      uint32_t process)
{
	struct attribution_known known = { .name = NULL };
	bool is_known = attribution_borrow(j->attribution, process, owner, p->ns, &known);
	struct recorded r = { .data = p->data,
			      .caplen = p->caplen,
			      .len = p->len,
			      .linktype = p->linktype,
			      .ns = p->ns,
			      .flags = p->flags,
			      .iface = iface->info.name,
			      .if_idx = iface->info.index,
			      .is_loopback = iface_is_loopback(&iface->info),
			      .has_pid = owner->certainty != OWNER_UNKNOWN,
			      .pid = owner->pid,
			      .process_name = known.name,
			      .process_path = known.path,
			      .user = known.user,
			      .container = known.container };
	bool is_taken = takes(j, &r, pending_of(&known) & j->asks);

	if (is_known)
		attribution_return(j->attribution);
	return is_taken;
}

bool judge_packet(struct judge *j, const struct attributed *p, const struct iface *iface,
		  struct span *span, struct record_owner *owner)
{
	uint32_t process = attribution_find(j->attribution, p, owner);

	if (j->filter && !is_wanted(j, p, iface, owner, process))
		return false;
	if (span && process)
		note(j, span, process);
	return true;
}

/* A record as it was made: its fields, and where its flags and its id are. */
struct made {
	uint32_t total, id_at;
	struct attributed packet;
	const struct iface *iface;
};

static void read_made(const struct judge *j, const struct span *span, uint8_t *at,
		      struct made *m)
{
	uint64_t ns = (uint64_t)get_u32le(at + 12) << 32 | get_u32le(at + 16);
	uint32_t caplen = get_u32le(at + 20);
	uint32_t options = RECORD_DATA + ALIGN_UP(caplen, 4U);

	m->total = get_u32le(at + 4);
	m->iface = iface_in_lane(j->ifaces, span->lane, get_u32le(at + 8));
	m->packet = (struct attributed){ .data = at + RECORD_DATA,
					 .caplen = caplen,
					 .len = get_u32le(at + 24),
					 .linktype = m->iface->info.linktype,
					 .ns = (int64_t)ns,
					 .flags = get_u32le(at + options + 4) };
	m->id_at = options + 8 + 4;
}

static void count(struct span *span, const struct attributed *p, uint32_t snaplen)
{
	span->packets++;
	span->bytes += p->caplen < snaplen ? p->caplen : snaplen;
	span->wire_bytes += p->len;
	span->is_sorted &= p->ns >= span->last_ns;
	if (p->ns < span->first_ns)
		span->first_ns = p->ns;
	if (p->ns > span->last_ns)
		span->last_ns = p->ns;
}

void judge_span(struct judge *j, struct span *span, uint64_t *last_id, uint64_t limit)
{
	uint8_t *from = span->data, *to = from, *end = from + span->length;

	judge_begin_span(j);
	span_clear(span);
	while (from < end) {
		struct record_owner owner;
		struct made m;

		read_made(j, span, from, &m);
		if ((!limit || *last_id < limit) &&
		    judge_packet(j, &m.packet, m.iface, span, &owner)) {
			count(span, &m.packet, j->snaplen);
			if (to != from)
				memmove(to, from, m.total);
			(void)put_u64le(to + m.id_at, ++*last_id);
			(void)record_cut(to, j->snaplen);
			to += record_set_owner(to, &owner);
		}
		from += m.total;
	}
	span->length = (uint32_t)(to - span->data);
}
