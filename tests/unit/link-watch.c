/* The link messages of rtnetlink: parsing, and what of them is a change. */
#include "base/bytes.h"
#include "capture/link_watch.h"
#include "lib/tap.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

struct build {
	uint8_t bytes[4096];
	size_t used, start;
};

static void begin(struct build *b, uint16_t type, uint32_t index, uint32_t flags)
{
	uint8_t *p = b->bytes + b->used;

	b->start = b->used;
	p = put_u16le(put_u32le(p, 0), type);
	p = put_u32le(put_u32le(put_u16le(p, 0), 7), 0);
	*p++ = 0;
	*p++ = 0;
	p = put_u32le(put_u32le(put_u16le(p, ARPHRD_ETHER), index), flags);
	p = put_u32le(p, 0);
	b->used = (size_t)(p - b->bytes);
}

static void attribute(struct build *b, uint16_t type, const void *bytes, size_t n)
{
	uint8_t *p = b->bytes + b->used;

	p = put_u16le(put_u16le(p, (uint16_t)(n + 4)), type);
	memcpy(p, bytes, n);
	b->used += 4 + ALIGN_UP(n, (size_t)4);
}

static void end(struct build *b)
{
	(void)put_u32le(b->bytes + b->start, (uint32_t)(b->used - b->start));
}

static void link_message(struct build *b, uint16_t type, uint32_t index, const char *name)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t mtu[4];

	(void)put_u32le(mtu, 1500);
	begin(b, type, index, IFF_UP);
	attribute(b, IFLA_IFNAME, name, strlen(name) + 1);
	attribute(b, IFLA_ADDRESS, mac, sizeof mac);
	attribute(b, IFLA_MTU, mtu, sizeof mtu);
	end(b);
}

struct seen {
	struct net_link links[16];
	unsigned count;
};

static void see(void *arg, const struct net_link *l)
{
	struct seen *s = arg;

	if (s->count < ARRAY_LEN(s->links))
		s->links[s->count] = *l;
	s->count++;
}

static int parse(const struct build *b, size_t length, struct seen *s, bool *is_done)
{
	*s = (struct seen){ 0 };
	*is_done = false;
	return link_parse(b->bytes, length, see, s, is_done, NULL);
}

static void test_parse_links(void)
{
	struct build b = { 0 };
	struct seen s;
	bool is_done;

	link_message(&b, RTM_NEWLINK, 2, "eth0");
	link_message(&b, RTM_DELLINK, 3, "a-name-of-fifteen");
	begin(&b, RTM_NEWADDR, 9, 0);
	end(&b);
	CHECK(!parse(&b, b.used, &s, &is_done));
	CHECK(!is_done);
	CHECK_EQ(s.count, 2);
	CHECK_STR(s.links[0].name, "eth0");
	CHECK_EQ(s.links[0].index, 2);
	CHECK_EQ(s.links[0].mtu, 1500);
	CHECK_EQ(s.links[0].hatype, ARPHRD_ETHER);
	CHECK(s.links[0].has_mac && s.links[0].mac[5] == 1);
	CHECK(!s.links[0].is_gone && s.links[1].is_gone);
	/* Longer than the kernel's bound: cut, ended. */
	CHECK_STR(s.links[1].name, "a-name-of-fifte");
}

static void test_parse_end_of_answer(void)
{
	struct build b = { 0 };
	struct seen s;
	bool is_done;

	link_message(&b, RTM_NEWLINK, 2, "eth0");
	begin(&b, NLMSG_DONE, 0, 0);
	end(&b);
	CHECK(!parse(&b, b.used, &s, &is_done));
	CHECK(is_done);
	CHECK_EQ(s.count, 1);
}

/* Cut anywhere it is refused or read up to there, never read behind its end (the sanitizers see
 * to that: the copy has no byte more). */
static void test_parse_cut_anywhere(void)
{
	struct build b = { 0 };
	size_t one;

	link_message(&b, RTM_NEWLINK, 2, "eth0");
	one = b.used;
	link_message(&b, RTM_NEWLINK, 3, "eth1");
	for (size_t n = 0; n < b.used; n++) {
		struct build *copy = malloc(sizeof *copy);
		struct seen s;
		bool is_done;
		int rc;

		CHECK(copy != NULL);
		if (!copy)
			return;
		memcpy(copy->bytes, b.bytes, n);
		memset(copy->bytes + n, 0xff, sizeof copy->bytes - n);
		rc = parse(copy, n, &s, &is_done);
		CHECK_EQ(s.count, n >= one ? 1 : 0);
		/* Fewer bytes than a header are padding. */
		CHECK_EQ(rc, n % one < sizeof(struct nlmsghdr) ? 0 : WEIR_ERR_FORMAT);
		free(copy);
	}
}

static void test_parse_refuses_lies(void)
{
	struct build b = { 0 };
	struct weir_error err = { 0 };
	struct seen s = { 0 };
	bool is_done = false;

	/* A length below the header's own. */
	link_message(&b, RTM_NEWLINK, 2, "eth0");
	(void)put_u32le(b.bytes, 15);
	CHECK_EQ(link_parse(b.bytes, b.used, see, &s, &is_done, &err), WEIR_ERR_FORMAT);
	CHECK(strstr(err.text, "15") != NULL);
	/* An attribute shorter than its own header, and one longer than the message. */
	for (unsigned lie = 0; lie < 2; lie++) {
		b.used = 0;
		link_message(&b, RTM_NEWLINK, 2, "eth0");
		(void)put_u16le(b.bytes + 32, lie ? 4000 : 3);
		CHECK_EQ(link_parse(b.bytes, b.used, see, &s, &is_done, NULL),
			 WEIR_ERR_FORMAT);
	}
	/* Index 0 is no interface. */
	b.used = 0;
	link_message(&b, RTM_NEWLINK, 0, "eth0");
	CHECK_EQ(link_parse(b.bytes, b.used, see, &s, &is_done, NULL), WEIR_ERR_FORMAT);
	CHECK_EQ(s.count, 0);
}

/* A port that leaves its bridge is no interface that is gone. */
static void test_parse_passes_over_bridge_ports(void)
{
	struct build b = { 0 };
	struct seen s;
	bool is_done;

	link_message(&b, RTM_DELLINK, 2, "eth0");
	b.bytes[16] = 7; /* AF_BRIDGE */
	CHECK(!parse(&b, b.used, &s, &is_done));
	CHECK_EQ(s.count, 0);
}

static struct net_link some(uint32_t index, const char *name)
{
	struct net_link l = {
		.index = index, .mtu = 1500, .flags = IFF_UP, .has_mac = true
	};

	(void)snprintf(l.name, sizeof l.name, "%s", name);
	return l;
}

static struct link_table table;

static void test_table_tells_changes_once(void)
{
	struct net_link l = some(4, "veth4"), before;

	memset(&table, 0, sizeof table);
	CHECK_EQ(link_table_update(&table, &l, &before), LINK_ADDED | LINK_UP);
	CHECK_EQ(before.index, 0);
	CHECK_EQ(link_table_update(&table, &l, &before), 0);
	l.mtu = 9000;
	l.mac[0] = 2;
	CHECK_EQ(link_table_update(&table, &l, &before), LINK_MTU | LINK_MAC);
	CHECK_EQ(before.mtu, 1500);
	l.flags = 0;
	(void)snprintf(l.name, sizeof l.name, "other");
	CHECK_EQ(link_table_update(&table, &l, &before), LINK_DOWN | LINK_RENAMED);
	CHECK_STR(before.name, "veth4");
	l.flags = IFF_UP;
	CHECK_EQ(link_table_update(&table, &l, &before), LINK_UP);
	CHECK(link_table_find(&table, "other") == link_table_at(&table, 4));
	CHECK(link_table_find(&table, "veth4") == NULL);
	/* A message that says less does not take anything back. */
	struct net_link less = { .index = 4, .flags = IFF_UP };
	CHECK_EQ(link_table_update(&table, &less, &before), 0);
	CHECK_STR(table.links[0].name, "other");
	CHECK_EQ(table.links[0].mtu, 9000);
	l.is_gone = true;
	CHECK_EQ(link_table_update(&table, &l, &before), LINK_REMOVED);
	CHECK_EQ(link_table_update(&table, &l, &before), 0);
	CHECK_EQ(table.count, 0);
}

static void test_table_is_bounded(void)
{
	struct net_link before;

	memset(&table, 0, sizeof table);
	for (uint32_t i = 1; i <= LINK_COUNT + 5; i++) {
		struct net_link l = some(i, "x");

		CHECK_EQ(link_table_update(&table, &l, &before) != 0, i <= LINK_COUNT);
	}
	CHECK_EQ(table.count, LINK_COUNT);
	/* Room again when one has gone, and the others are still found. */
	struct net_link gone = some(7, "x");
	gone.is_gone = true;
	CHECK_EQ(link_table_update(&table, &gone, &before), LINK_REMOVED);
	CHECK(!link_table_at(&table, 7) && link_table_at(&table, LINK_COUNT));
	struct net_link next = some(LINK_COUNT + 1, "y");
	CHECK_EQ(link_table_update(&table, &next, &before), LINK_ADDED | LINK_UP);
}

/* The kernel of this machine, whatever it is, has lo. */
static void test_watch_lists_this_machine(void)
{
	struct link_watch *w;
	struct weir_error err = { 0 };
	const struct net_link *lo;

	CHECK_EQ(link_watch_open(&w, &err), 0);
	if (!w)
		return;
	lo = link_table_find(link_watch_table(w), "lo");
	CHECK(lo != NULL);
	CHECK(lo && lo->hatype == ARPHRD_LOOPBACK && lo->index == 1);
	CHECK_EQ(link_watch_read(w, NULL, NULL, &err), 0);
	link_watch_close(w);
	link_watch_close(NULL);
}

int main(void)
{
	RUN(test_parse_links);
	RUN(test_parse_end_of_answer);
	RUN(test_parse_cut_anywhere);
	RUN(test_parse_refuses_lies);
	RUN(test_parse_passes_over_bridge_ports);
	RUN(test_table_tells_changes_once);
	RUN(test_table_is_bounded);
	RUN(test_watch_lists_this_machine);
	return tap_done();
}
