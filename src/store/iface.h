/* What is known of an interface that packets were seen on, and the table of them.
 *
 * A *lane* is one link type: each segment holds one lane only (one link type and one snap length a
 * file: readers stop at a second one).  An interface's `id` counts from 0 within its lane and is
 * the pcapng interface id in every segment of that lane.
 *
 * The table only grows.  Adding takes the owner's lock (cold); an entry never moves or changes its
 * description afterwards, so any thread may read entries below iface_count(). */
#ifndef WEIR_STORE_IFACE_H
#define WEIR_STORE_IFACE_H

#include "base/compiler.h"
#include "base/counter.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>

#define IFACE_MAX   256 /* interfaces in one store; LANE_MAX link types */
#define LANE_MAX    8
#define IFACE_ADDRS 8

/* LINKTYPE_ values of the pcap registry that weir's own sources use. */
enum {
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW = 101,
	LINKTYPE_LINUX_SLL2 = 276,
	/* libpcap's internal number of raw IP, found in files; readers make it LINKTYPE_RAW.
	 * libpcap 1.10 reads a pcapng file of several raw interfaces only where those behind the
	 * first have it: it compares its own number with the file's. */
	LINKTYPE_RAW_LIBPCAP = 12
};

/* The `hardware` of loopback interfaces where their names do not tell. */
#define IFACE_LOOPBACK "loopback"

struct iface_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t prefix; /* bits */
	uint8_t bytes[16];
};

/* Plain data; unknown is empty or 0. */
struct iface_info {
	char name[64], description[128], filter[256], hardware[64], os[128];
	uint32_t index;    /* the system's number at that time */
	uint16_t linktype; /* LINKTYPE_ number of the pcap registry */
	uint32_t snaplen;  /* 0: unlimited */
	uint8_t mac[6];
	bool has_mac;
	uint64_t speed_bps;
	uint32_t mtu;
	struct iface_addr addrs[IFACE_ADDRS];
	unsigned addr_count;
};

struct iface {
	struct iface_info info;
	unsigned lane, id;
	/* Cumulative; raised by the source's thread.  received: seen by the source after its kernel
	 * filter, recorded or not. */
	struct counter received, received_bytes, kernel_dropped;
	bool is_unclaimed; /* inherited, and not yet seen again */
};

/* Packets on it never leave the machine. */
bool iface_is_loopback(const struct iface_info *info);

struct iface_table;

struct iface_table *iface_table_new(void) MUST_CHECK;
void iface_table_free(struct iface_table *t);
/* Any thread.  Returns the new entry, or NULL with err where a bound is met. */
struct iface *iface_add(struct iface_table *t, const struct iface_info *info,
			struct weir_error *err) MUST_CHECK;
/* Of a store that is gone on with, in the order of its manifest, before anything is added.  Adding
 * the same again gives this entry; so ids stay and the table does not grow by going on. */
struct iface *iface_inherit(struct iface_table *t, const struct iface_info *info,
			    struct weir_error *err) MUST_CHECK;
unsigned iface_inherited(const struct iface_table *t);
/* All entries so far, in the order of their adding; of one lane, by id. */
unsigned iface_count(const struct iface_table *t);
struct iface *iface_at(const struct iface_table *t, unsigned index);
unsigned iface_lane_count(const struct iface_table *t);
unsigned iface_count_in_lane(const struct iface_table *t, unsigned lane);
struct iface *iface_in_lane(const struct iface_table *t, unsigned lane, unsigned id);

#endif
