/* The last look at a record: what is known of its owner when its span is sealed, what is taken back
 * of its room, and which records stay. */
#include "capture/judge.h"

#include "base/bytes.h"
#include "base/time.h"
#include "lib/tap.h"
#include "packet/headers.h"
#include "port/port.h"
#include "weir/filter.h"

#include <stdlib.h>
#include <unistd.h>

#define MS NS_PER_MS

enum {
	ROOM = 256 * 1024,
	FRAME = 14 + 20 + 20 + 6, /* with a payload that an odd length rounds up to */
	OPT_FLAGS = 2,
	OPT_ID = 5,
	OPT_PROCESS = 8
};

/* What one test works with: our own attribution without the kernel's events, which the test tells
 * itself, a span, and the time that all of it is about. */
static struct lab {
	struct attribution *attribution;
	struct iface_table *ifaces;
	struct filter *filter;
	struct judge judge;
	struct span span;
	uint64_t last_id;
	int64_t utc_ns, boot_ns; /* the same moment */
} lab;

static void lab_open(const char *filter)
{
	struct attribution_config config = { .has_no_feed = true };
	struct iface_info eth = { .linktype = LINKTYPE_ETHERNET, .name = "eth7" };
	struct iface_info lo = { .linktype = LINKTYPE_ETHERNET, .name = "lo" };
	struct port_clocks now;
	struct filter_error bad;
	struct weir_error err;

	memset(&lab, 0, sizeof lab);
	CHECK_EQ(attribution_open(&lab.attribution, &config, &err), 0);
	lab.ifaces = iface_table_new();
	CHECK(iface_add(lab.ifaces, &eth, &err) && iface_add(lab.ifaces, &lo, &err));
	if (filter)
		CHECK_EQ(filter_compile(&lab.filter, filter, FILTER_NETWORK, 0, &bad), 0);
	CHECK_EQ(judge_init(&lab.judge, lab.attribution, lab.filter, lab.ifaces, 0, &err),
		 0);
	lab.span.data = aligned_alloc(SPAN_ALIGNMENT, ROOM);
	lab.span.capacity = ROOM;
	span_clear(&lab.span);
	port_clocks(&now);
	lab.utc_ns = now.realtime_ns;
	lab.boot_ns = now.boottime_ns;
}

static void lab_close(void)
{
	judge_fini(&lab.judge);
	filter_free(lab.filter);
	iface_table_free(lab.ifaces);
	attribution_close(lab.attribution);
	free(lab.span.data);
}

struct packet {
	uint8_t protocol;
	bool is_in, is_opening;
	uint16_t local_port, remote_port;
	int64_t ns;            /* after the lab's moment */
	unsigned iface, bytes; /* bytes 0: FRAME */
	uint32_t flags;        /* more than the direction */
};

/* 10.0.0.1 is here, 10.0.0.2 there. */
static void put_frame(uint8_t *f, const struct packet *p)
{
	uint8_t *ip = f + 14, *ports = ip + 20;
	uint16_t local = p->local_port, remote = p->remote_port;

	memset(f, 0, FRAME);
	f[12] = 8;
	ip[0] = 0x45;
	ip[3] = FRAME - 14;
	ip[8] = 64;
	ip[9] = p->protocol;
	memcpy(ip + 12, p->is_in ? "\x0a\0\0\2\x0a\0\0\1" : "\x0a\0\0\1\x0a\0\0\2", 8);
	ports[0] = (uint8_t)((p->is_in ? remote : local) >> 8);
	ports[1] = (uint8_t)(p->is_in ? remote : local);
	ports[2] = (uint8_t)((p->is_in ? local : remote) >> 8);
	ports[3] = (uint8_t)(p->is_in ? local : remote);
	if (p->protocol == PROTOCOL_TCP) {
		ports[12] = 0x50;
		ports[13] = p->is_opening ? 0x02 : 0x10;
	} else {
		ports[5] = FRAME - 34;
	}
}

/* As a source makes it: with room for an owner that is not known yet. */
static void record(struct packet p)
{
	uint32_t direction = p.is_in ? RECORD_INBOUND : RECORD_OUTBOUND;
	struct record_meta meta = { .ns = lab.utc_ns + p.ns,
				    .iface_id = p.iface,
				    .caplen = p.bytes ? p.bytes : FRAME,
				    .len = 1000,
				    .flags = p.flags | direction,
				    .id = 1 };
	uint8_t *at = lab.span.data + lab.span.length;

	put_frame(at + RECORD_DATA, &p);
	judge_meta(&meta);
	lab.span.length += (uint32_t)record_finish(at, &meta);
	CHECK(lab.span.length < ROOM - 1024);
}

static void put_address(uint8_t out[16], uint8_t last)
{
	memcpy(out, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0", 15);
	out[15] = last;
}

/* Of process `pid`, whose name is the same number; remote_port 0: no remote side. */
static void told(uint8_t kind, uint8_t protocol, uint16_t local_port,
		 uint16_t remote_port, uint32_t pid, int64_t ns)
{
	struct socket_event e = { .ns = (uint64_t)(lab.boot_ns + ns),
				  .cookie = (uint64_t)local_port << 16 | remote_port,
				  .pid = pid,
				  .tid = pid,
				  .start_ns = pid * (uint64_t)NS_PER_S + 7,
				  .kind = kind,
				  .family = 4,
				  .protocol = protocol,
				  .local_port = local_port,
				  .remote_port = remote_port };

	(void)snprintf(e.comm, sizeof e.comm, "p%u", pid);
	put_address(e.local, 1);
	if (remote_port)
		put_address(e.remote, 2);
	attribution_event(lab.attribution, &e);
}

static void connection(uint16_t local_port, uint32_t pid)
{
	told(SOCKET_SEND, PROTOCOL_TCP, local_port, 80, pid, -10 * MS);
}

static void seal(void)
{
	judge_span(&lab.judge, &lab.span, &lab.last_id, 0);
}

/* What stands in a record after all. */
struct found {
	uint32_t length, flags, pid, iface;
	uint16_t local_port;
	uint64_t id, start_ns;
	uint8_t method, certainty;
	bool has_process;
};

static void read_options(struct found *f, const uint8_t *at, const uint8_t *end)
{
	while (at + 4 <= end && get_u16le(at)) {
		uint16_t code = get_u16le(at), length = get_u16le(at + 2);

		if (code == OPT_FLAGS)
			f->flags = get_u32le(at + 4);
		else if (code == OPT_ID)
			f->id = get_u64le(at + 4);
		else if (code == OPT_PROCESS) {
			f->pid = get_u32le(at + 4);
			f->has_process = true;
		} else if (code == RECORD_OPT_OWNER) {
			f->method = at[4];
			f->certainty = at[5];
			f->start_ns = get_u64le(at + 8);
		}
		at += 4 + (length + 3) / 4 * 4;
	}
	CHECK(at + 4 == end && !get_u16le(at));
}

/* All records; they must fill the span to its last byte, and each end with its own length. */
static unsigned read_all(struct found *out, unsigned most)
{
	const uint8_t *at = lab.span.data, *end = at + lab.span.length;
	unsigned count = 0;

	memset(out, 0, most * sizeof *out);
	while (at < end && count < most) {
		struct found *f = &out[count++];
		uint32_t caplen = get_u32le(at + 20);
		const uint8_t *frame = at + RECORD_DATA;

		f->length = get_u32le(at + 4);
		if (get_u32le(at) != 6 || f->length > (size_t)(end - at) ||
		    get_u32le(at + f->length - 4) != f->length) {
			CHECK_STR("a damaged record", "a whole one");
			return count;
		}
		f->iface = get_u32le(at + 8);
		read_options(f, frame + (caplen + 3) / 4 * 4, at + f->length - 4);
		f->local_port = get_u16be(frame + ((f->flags & 3) == 1 ? 36 : 34));
		at += f->length;
	}
	CHECK(at == end);
	return count;
}

static void check_owner(const struct found *f, uint32_t pid, uint8_t certainty)
{
	CHECK_EQ(f->certainty, certainty);
	CHECK_EQ(f->pid, pid);
	CHECK_EQ(f->has_process, pid != 0);
	CHECK_EQ(f->method, pid ? OWNER_SOCKET : OWNER_NO_METHOD);
	CHECK_EQ(f->start_ns, pid * (uint64_t)NS_PER_S);
}

static const struct packet tcp = { .protocol = PROTOCOL_TCP,
				   .local_port = 4000,
				   .remote_port = 80 };

static struct packet tcp_at(uint16_t local_port, int64_t ns)
{
	struct packet p = tcp;

	p.local_port = local_port;
	p.ns = ns;
	return p;
}

static void test_each_certainty(void)
{
	struct packet bound = tcp_at(53, 0), listening = tcp_at(80, 0);
	struct found f[8];

	lab_open(NULL);
	connection(4000, 7);
	told(SOCKET_BIND, PROTOCOL_UDP, 53, 0, 8, -10 * MS);
	told(SOCKET_LISTEN, PROTOCOL_TCP, 80, 0, 9, -10 * MS);
	told(SOCKET_SEND, PROTOCOL_TCP, 4001, 80, 10, -2000 * MS);
	told(SOCKET_CLOSE, PROTOCOL_TCP, 4001, 80, 10, -1000 * MS);
	bound.protocol = PROTOCOL_UDP;
	bound.is_in = true;
	listening.is_in = listening.is_opening = true;
	listening.remote_port = 5000;
	record(tcp);
	record(bound);
	record(listening);
	record(tcp_at(4001, 0));
	record(tcp_at(4999, 0));
	seal();
	CHECK_EQ(read_all(f, 8), 5);
	check_owner(&f[0], 7, OWNER_EXACT);
	check_owner(&f[1], 8, OWNER_WILDCARD);
	check_owner(&f[2], 9, OWNER_LISTENER);
	check_owner(&f[3], 10, OWNER_EARLIER);
	check_owner(&f[4], 0, OWNER_UNKNOWN);
	CHECK_EQ(lab.span.process_count, 4);
	lab_close();
}

/* A packet of no known socket has no option 8, and those behind it close up. */
static void test_room_is_taken_back(void)
{
	uint32_t made;
	struct found f[4];

	lab_open(NULL);
	connection(4000, 7);
	record(tcp_at(4999, 0));
	record(tcp);
	record(tcp_at(4998, 0));
	made = lab.span.length;
	seal();
	CHECK_EQ(read_all(f, 4), 3);
	CHECK_EQ(lab.span.length, made - 2 * 12);
	CHECK_EQ(f[0].length, f[1].length - 12);
	check_owner(&f[0], 0, OWNER_UNKNOWN);
	check_owner(&f[1], 7, OWNER_EXACT);
	check_owner(&f[2], 0, OWNER_UNKNOWN);
	CHECK_EQ(f[1].local_port, 4000);
	CHECK_EQ(f[2].local_port, 4998);
	lab_close();
}

/* The kernel tells after the packet has come, and before the span is sealed; whether a filter takes it is
 * asked then, not before. */
static void test_late_is_exact(void)
{
	struct packet syn = tcp;
	struct found f[4];

	syn.is_opening = true;
	lab_open("process.name == \"p7\"");
	record(syn);
	told(SOCKET_SEND, PROTOCOL_TCP, 4000, 80, 7, 1 * MS);
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	check_owner(&f[0], 7, OWNER_EXACT);
	lab_close();
	/* Sealed before it is told: not known, so not that program's. */
	lab_open("process.name == \"p7\"");
	record(syn);
	seal();
	CHECK_EQ(lab.span.length, 0);
	CHECK_EQ(lab.span.packets, 0);
	told(SOCKET_SEND, PROTOCOL_TCP, 4000, 80, 7, 1 * MS);
	record(syn);
	seal();
	CHECK_EQ(lab.span.packets, 1);
	lab_close();
}

/* What stays is as if the others had never been made: ids, counts, times, order. */
static void test_others_are_dropped(void)
{
	struct found f[8];

	lab_open("process.name == \"p7\"");
	connection(4000, 7);
	connection(4001, 8);
	record(tcp_at(4001, 0));
	record(tcp_at(4000, 2 * MS));
	record(tcp_at(4001, 1 * MS));
	record(tcp_at(4999, 9 * MS));
	record(tcp_at(4000, 3 * MS));
	seal();
	CHECK_EQ(read_all(f, 8), 2);
	CHECK_EQ(f[0].id, 1);
	CHECK_EQ(f[1].id, 2);
	CHECK_EQ(lab.last_id, 2);
	check_owner(&f[0], 7, OWNER_EXACT);
	check_owner(&f[1], 7, OWNER_EXACT);
	CHECK_EQ(lab.span.packets, 2);
	CHECK_EQ(lab.span.bytes, 2 * FRAME);
	CHECK_EQ(lab.span.wire_bytes, 2 * 1000);
	CHECK_EQ(lab.span.first_ns, lab.utc_ns + 2 * MS);
	CHECK_EQ(lab.span.last_ns, lab.utc_ns + 3 * MS);
	CHECK(lab.span.is_sorted);
	CHECK_EQ(lab.span.process_count, 1);
	lab_close();
}

/* What is recorded of a packet says nothing of its ports any more: it was judged whole. */
static void test_cut_when_judged(void)
{
	struct found f[4];

	for (uint32_t snaplen = 20; snaplen < 24; snaplen++) {
		lab_open("process.name == \"p7\" and tcp.DstPort == 80");
		lab.judge.snaplen = snaplen;
		connection(4000, 7);
		connection(4001, 8);
		record(tcp);
		record(tcp_at(4001, 0));
		record(tcp);
		seal();
		CHECK_EQ(read_all(f, 4), 2);
		for (uint64_t i = 0; i < 2; i++) {
			check_owner(&f[i], 7, OWNER_EXACT);
			CHECK_EQ(f[i].id, i + 1);
			CHECK_EQ(f[i].flags, RECORD_OUTBOUND);
		}
		CHECK_EQ(get_u32le(lab.span.data + 20), snaplen);
		CHECK_EQ(lab.span.bytes, 2 * snaplen);
		CHECK_EQ(lab.span.wire_bytes, 2 * 1000);
		lab_close();
	}
}

/* Of whom nothing is known, nothing is said: neither that he is a process nor that he is not. */
static void test_unknown_is_neither(void)
{
	struct found f[4];

	lab_open("not processId == 7 and tcp");
	connection(4000, 7);
	connection(4001, 8);
	record(tcp);
	record(tcp_at(4001, 0));
	record(tcp_at(4999, 0));
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	check_owner(&f[0], 8, OWNER_EXACT);
	lab_close();
	lab_open("udp or processId == 7 or ip.TTL == 64");
	record(tcp_at(4999, 0));
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	check_owner(&f[0], 0, OWNER_UNKNOWN);
	lab_close();
}

/* The source and the kernel decide on what is no process's. */
static void test_other_filters_are_not_asked(void)
{
	struct found f[4];

	lab_open("udp");
	record(tcp);
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	lab_close();
}

/* A filter that asks for processes sees the packet's other sides too. */
static void test_interface_and_direction(void)
{
	struct packet p = tcp;
	struct found f[4];

	lab_open("process.name == \"p7\" and loopback and inbound");
	connection(4000, 7);
	record(p);
	p.iface = 1;
	record(p);
	p.is_in = true;
	record(p);
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	CHECK_EQ(f[0].iface, 1);
	CHECK_EQ(f[0].flags & RECORD_DIRECTION, RECORD_INBOUND);
	lab_close();
}

static void test_flags_stay(void)
{
	struct packet p = tcp, q = tcp;
	struct found f[4];

	lab_open(NULL);
	connection(4000, 7);
	/* Before others that shrink, and of every padding. */
	record(tcp_at(4999, 0));
	for (unsigned i = 0; i < 3; i++) {
		struct packet odd = p;

		odd.bytes = FRAME + 1 + i;
		odd.flags = RECORD_CSUM_NOT_READY | RECORD_SEGMENTATION | i << 16;
		odd.is_in = i == 1;
		record(odd);
	}
	seal();
	CHECK_EQ(read_all(f, 4), 4);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t direction = i == 1 ? RECORD_INBOUND : RECORD_OUTBOUND;

		CHECK_EQ(f[i + 1].flags, direction | RECORD_CSUM_NOT_READY |
						 RECORD_SEGMENTATION | i << 16);
		check_owner(&f[i + 1], 7, OWNER_EXACT);
	}
	/* No direction is said: as one that leaves. */
	lab.span.length = 0;
	record(q);
	(void)put_u32le(lab.span.data + RECORD_DATA + FRAME + 4, 0);
	seal();
	CHECK_EQ(read_all(f, 4), 1);
	CHECK_EQ(f[0].flags, 0);
	check_owner(&f[0], 7, OWNER_EXACT);
	lab_close();
}

static void test_limit(void)
{
	struct found f[8];

	lab_open("process.name == \"p7\"");
	connection(4000, 7);
	lab.last_id = 40;
	for (unsigned i = 0; i < 4; i++) {
		record(tcp_at(4999, 0));
		record(tcp);
	}
	judge_span(&lab.judge, &lab.span, &lab.last_id, 43);
	CHECK_EQ(read_all(f, 8), 3);
	CHECK_EQ(f[0].id, 41);
	CHECK_EQ(f[2].id, 43);
	CHECK_EQ(lab.last_id, 43);
	lab_close();
}

/* Of records that come out of order, and are all wanted. */
static void test_order(void)
{
	lab_open(NULL);
	record(tcp_at(4000, 5 * MS));
	record(tcp_at(4000, 4 * MS));
	seal();
	CHECK(!lab.span.is_sorted);
	CHECK_EQ(lab.span.first_ns, lab.utc_ns + 4 * MS);
	CHECK_EQ(lab.span.last_ns, lab.utc_ns + 5 * MS);
	lab_close();
}

/* A process once a span, in each span anew, and no more than there is room for. */
static void test_processes_of_a_span(void)
{
	uint32_t first;

	lab_open(NULL);
	connection(4000, 7);
	for (unsigned i = 0; i < 3; i++)
		record(tcp);
	seal();
	CHECK_EQ(lab.span.process_count, 1);
	first = lab.span.processes[0];
	lab.span.length = 0;
	record(tcp);
	seal();
	CHECK_EQ(lab.span.process_count, 1);
	CHECK_EQ(lab.span.processes[0], first);
	lab.span.length = 0;
	for (uint16_t i = 0; i < SPAN_PROCESSES + 10; i++) {
		connection((uint16_t)(5000 + i), 100U + i);
		record(tcp_at((uint16_t)(5000 + i), 0));
	}
	seal();
	CHECK_EQ(lab.span.packets, SPAN_PROCESSES + 10);
	CHECK_EQ(lab.span.process_count, SPAN_PROCESSES);
	for (unsigned i = 1; i < SPAN_PROCESSES; i++)
		CHECK(lab.span.processes[i] != lab.span.processes[i - 1]);
	lab_close();
}

/* A real process, whose path only the namer can tell: once it has, the filter takes its packets. */
static void wait_for_path(uint32_t number, char *path, size_t size)
{
	struct record_owner owner = { .pid = (uint32_t)getpid() };
	int64_t end = port_monotonic_ns() + 30 * NS_PER_S;
	struct attribution_known known;

	path[0] = '\0';
	while (!path[0] && port_monotonic_ns() < end) {
		if (attribution_borrow(lab.attribution, number, &owner, lab.utc_ns,
				       &known)) {
			(void)snprintf(path, size, "%s", known.path ? known.path : "");
			attribution_return(lab.attribution);
		}
		(void)usleep(1000);
	}
}

/* As the manifest's last line tells it. */
static int64_t pending(void)
{
	json_t *told_last = attribution_stop(lab.attribution);
	int64_t count = json_integer_value(json_object_get(
		json_object_get(told_last, "attribution"), "pending_packets"));

	json_decref(told_last);
	return count;
}

/* Nobody has told the paths yet, so the filter cannot say no; what it can say no to without them it does. */
static void test_facts_that_are_pending(void)
{
	lab_open("process.path == \"/nowhere\"");
	connection(4000, 7);
	record(tcp_at(4000, 0));
	record(tcp_at(5000, 0)); /* nobody's */
	seal();
	CHECK_EQ(lab.span.packets, 1);
	CHECK_EQ(pending(), 1);
	lab_close();
	/* What else the filter says holds all the same. */
	lab_open(
		"processId == 8 and process.path == \"/nowhere\" or udp and process.user == \"x\"");
	connection(4000, 7);
	connection(4001, 8);
	record(tcp_at(4000, 0));
	record(tcp_at(4001, 0));
	seal();
	CHECK_EQ(lab.span.packets, 1);
	CHECK_EQ(pending(), 1);
	lab_close();
	/* What is taken whoever it is, is not counted; what may be refused is. */
	lab_open("tcp.DstPort == 80 or not (process.path == \"/nowhere\")");
	connection(4000, 7);
	record(tcp_at(4000, 0));
	seal();
	CHECK_EQ(lab.span.packets, 1);
	CHECK_EQ(pending(), 0);
	lab_close();
	lab_open("tcp.DstPort == 81 or not (process.path == \"/nowhere\")");
	connection(4000, 7);
	record(tcp_at(4000, 0));
	seal();
	CHECK_EQ(lab.span.packets, 1);
	CHECK_EQ(pending(), 1);
	lab_close();
	/* A name came with the event, and a number needs none. */
	lab_open("process.name == \"p8\" or processId == 8");
	connection(4000, 7);
	record(tcp_at(4000, 0));
	seal();
	CHECK_EQ(lab.span.packets, 0);
	lab_close();
}

static void test_facts_come_later(void)
{
	uint32_t pid = (uint32_t)getpid();
	char own[512] = "", path[512];
	struct weir_error err;
	struct socket_event e = { .kind = SOCKET_SEND,
				  .cookie = 1,
				  .pid = pid,
				  .start_ns = proc_start(pid),
				  .family = 4,
				  .protocol = PROTOCOL_TCP,
				  .local_port = 4000,
				  .remote_port = 80,
				  .comm = "judge" };

	CHECK(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
	(void)snprintf(path, sizeof path, "process.path == \"%.480s\"", own);
	lab_open(path);
	e.ns = (uint64_t)lab.boot_ns;
	put_address(e.local, 1);
	put_address(e.remote, 2);
	CHECK_EQ(attribution_start(lab.attribution, -1, NULL, &err), 0);
	attribution_event(lab.attribution, &e);
	record(tcp_at(4000, 0));
	judge_begin_span(&lab.judge);
	wait_for_path(1, path, sizeof path);
	CHECK_STR(path, own);
	seal();
	CHECK_EQ(lab.span.packets, 1);
	json_decref(attribution_stop(lab.attribution));
	lab_close();
}

/* More processes than the table has room for have sockets; an idle one's connection goes on. */
static void test_who_made_room_is_known_again(void)
{
	struct socket_event e = { .kind = SOCKET_SEND,
				  .cookie = 1,
				  .pid = 7,
				  .start_ns = 70000000,
				  .family = 4,
				  .protocol = PROTOCOL_TCP,
				  .comm = "judge" };
	struct record_owner owner = { .pid = 7, .start_ns = 70000000 };
	struct attribution_known known;

	lab_open("tcp");
	attribution_event(lab.attribution, &e);
	for (uint32_t i = 1; i <= 5000; i++) {
		e.pid = 1000 + i;
		attribution_event(lab.attribution, &e);
	}
	CHECK(attribution_borrow(lab.attribution, 1, &owner, lab.utc_ns, &known));
	CHECK(known.is_pending && known.is_name_pending && !known.name);
	attribution_return(lab.attribution);
	CHECK(!attribution_borrow(lab.attribution, 0, &owner, lab.utc_ns, &known));
	lab_close();
}

int main(void)
{
	RUN(test_each_certainty);
	RUN(test_room_is_taken_back);
	RUN(test_late_is_exact);
	RUN(test_others_are_dropped);
	RUN(test_cut_when_judged);
	RUN(test_unknown_is_neither);
	RUN(test_other_filters_are_not_asked);
	RUN(test_interface_and_direction);
	RUN(test_flags_stay);
	RUN(test_limit);
	RUN(test_order);
	RUN(test_processes_of_a_span);
	RUN(test_facts_that_are_pending);
	RUN(test_facts_come_later);
	RUN(test_who_made_room_is_known_again);
	return tap_done();
}
