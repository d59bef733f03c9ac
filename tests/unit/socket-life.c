/* Events of the flow and socket layers from those of the kernel: order, owners, counts, bounds. */
#include "analyze/socket_line.h"

#include "lib/tap.h"
#include "process/existing.h"
#include "store/record.h"

#include <stdlib.h>

/* What was told, a word an event: "ACCEPT/7/exact". */
static char told[65536];
static struct life_event last;

static void on_event(void *arg, const struct life_event *e)
{
	static const char *const certainty[] = { "unknown", "exact", "wildcard",
						 "listener" };
	size_t n = strlen(told);

	(void)arg;
	last = *e;
	(void)snprintf(told + n, sizeof told - n, "%s%s/%u/%s", n ? " " : "",
		       life_event_name(e->kind), e->socket.pid, certainty[e->certainty]);
}

static struct socket_event make(uint8_t kind, uint64_t cookie, uint32_t pid)
{
	struct socket_event e = { .ns = 1000,
				  .kind = kind,
				  .cookie = cookie,
				  .pid = pid,
				  .start_ns = pid * UINT64_C(10000000),
				  .family = 4,
				  .protocol = 6,
				  .local_port = 80,
				  .local = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };

	(void)snprintf(e.comm, sizeof e.comm, "p%u", pid);
	return e;
}

static void set_remote(struct socket_event *e, uint8_t end, uint16_t port)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 10, 0, 0, 0 };

	memcpy(e->remote, mapped, sizeof e->remote);
	e->remote[15] = end;
	e->remote_port = port;
}

static struct life *begin(enum filter_layer layer)
{
	told[0] = '\0';
	return life_new(layer, on_event, NULL);
}

static void take(struct life *l, uint8_t kind, uint64_t cookie, uint32_t pid)
{
	struct socket_event e = make(kind, cookie, pid);

	if (kind != SOCKET_BIND && kind != SOCKET_LISTEN)
		set_remote(&e, 2, 5000);
	life_take(l, &e);
}

static void test_client(void)
{
	struct life *l = begin(FILTER_SOCKET);

	take(l, SOCKET_CONNECT, 1, 7);
	CHECK(last.is_outbound);
	take(l, SOCKET_ESTABLISHED, 1, 7);
	take(l, SOCKET_SEND, 1, 7);
	take(l, SOCKET_CLOSE, 1, 7);
	CHECK_STR(told, "CONNECT/7/exact CLOSE/7/exact");
	life_free(l);
	l = begin(FILTER_FLOW);
	take(l, SOCKET_CONNECT, 1, 7);
	take(l, SOCKET_ESTABLISHED, 1, 7);
	CHECK(last.is_outbound && !last.has_counts);
	take(l, SOCKET_CLOSE, 1, 7);
	CHECK(last.has_counts && !last.is_begin_unseen);
	CHECK_STR(told, "ESTABLISHED/7/exact DELETED/7/exact");
	life_free(l);
}

static void test_refused(void)
{
	struct life *l = begin(FILTER_FLOW);

	take(l, SOCKET_CONNECT, 1, 7);
	take(l, SOCKET_CLOSE, 1, 7);
	CHECK_STR(told, "");
	/* A socket that only listened is no flow. */
	take(l, SOCKET_LISTEN, 2, 7);
	struct socket_event e = make(SOCKET_CLOSE, 2, 7);
	life_take(l, &e);
	CHECK_STR(told, "");
	life_free(l);
}

static void test_server(void)
{
	struct life *l = begin(FILTER_SOCKET);

	take(l, SOCKET_BIND, 1, 7);
	take(l, SOCKET_LISTEN, 1, 7);
	CHECK_EQ(last.socket.remote_port, 0);
	take(l, SOCKET_ESTABLISHED, 2, 0);
	CHECK_STR(told, "BIND/7/exact LISTEN/7/exact");
	/* A child of the listener uses it first: it is the child's. */
	take(l, SOCKET_ACCEPT, 2, 8);
	CHECK_STR(told, "BIND/7/exact LISTEN/7/exact ACCEPT/8/exact");
	CHECK(!last.is_outbound);
	CHECK_EQ(last.parent_cookie, 1);
	take(l, SOCKET_USE, 2, 9);
	take(l, SOCKET_CLOSE, 2, 9);
	CHECK_STR(told, "BIND/7/exact LISTEN/7/exact ACCEPT/8/exact CLOSE/9/exact");
	life_free(l);
}

/* Nobody uses the connection: it is the listener's, and says so, after a while or at its end. */
static void test_never_used(void)
{
	struct life *l = begin(FILTER_FLOW);

	take(l, SOCKET_LISTEN, 1, 7);
	take(l, SOCKET_ESTABLISHED, 2, 0);
	life_tick(l, 1000 + LIFE_HOLD_NS - 1);
	CHECK_STR(told, "");
	life_tick(l, 1000 + LIFE_HOLD_NS);
	CHECK_STR(told, "ESTABLISHED/7/listener");
	take(l, SOCKET_ESTABLISHED, 3, 0);
	take(l, SOCKET_CLOSE, 3, 0);
	CHECK_STR(told,
		  "ESTABLISHED/7/listener ESTABLISHED/7/listener DELETED/0/unknown");
	told[0] = '\0';
	take(l, SOCKET_ESTABLISHED, 4, 0);
	life_finish(l);
	CHECK_STR(told, "ESTABLISHED/7/listener");
	life_free(l);
	/* And without a listener that was seen, nobody's. */
	l = begin(FILTER_SOCKET);
	take(l, SOCKET_ESTABLISHED, 5, 0);
	life_finish(l);
	CHECK_STR(told, "ACCEPT/0/unknown");
	CHECK_EQ(last.parent_cookie, 0);
	life_free(l);
}

static void take_udp(struct life *l, uint8_t kind, uint64_t cookie, uint8_t end)
{
	struct socket_event e = make(kind, cookie, 7);

	e.protocol = 17;
	e.packets_out = 5;
	if (end)
		set_remote(&e, end, 53);
	life_take(l, &e);
}

static void test_udp(void)
{
	struct life *l = begin(FILTER_FLOW);

	take_udp(l, SOCKET_SEND, 1, 2);
	take_udp(l, SOCKET_SEND, 1, 2); /* told again: no second flow */
	take_udp(l, SOCKET_CLOSE, 1, 0);
	CHECK_STR(told, "ESTABLISHED/7/exact DELETED/7/exact");
	CHECK(last.has_counts && last.socket.packets_out == 5);
	CHECK_EQ(last.socket.remote[15], 2);
	/* Two remote sides: the counts cannot be told apart. */
	take_udp(l, SOCKET_SEND, 2, 3);
	take_udp(l, SOCKET_SEND, 2, 4);
	told[0] = '\0';
	take_udp(l, SOCKET_CLOSE, 2, 0);
	CHECK_STR(told, "DELETED/7/exact DELETED/7/exact");
	CHECK(!last.has_counts);
	life_free(l);
}

static void test_begun_before(void)
{
	struct life *l = begin(FILTER_FLOW);

	take(l, SOCKET_CLOSE, 1, 7);
	CHECK_STR(told, "DELETED/7/exact");
	CHECK(last.is_begin_unseen);
	life_free(l);
}

static struct socket_event before(uint8_t kind, uint64_t cookie, uint32_t pid,
				  uint8_t protocol)
{
	struct socket_event e = make(kind, cookie, pid);

	e.protocol = protocol;
	if (kind == SOCKET_ESTABLISHED || kind == SOCKET_CONNECT)
		set_remote(&e, 2, 5000);
	return e;
}

static void exists(struct life *l, struct socket_event e)
{
	life_exists(l, &e);
	CHECK(!told[0] || last.is_existing);
}

/* Of nobody that the kernel saw use it: the one who had it when the recorder began. */
static void close_unused(struct life *l, uint64_t cookie, uint8_t protocol)
{
	struct socket_event e = before(SOCKET_CLOSE, cookie, 0, protocol);

	if (protocol == 6)
		set_remote(&e, 2, 5000);
	life_take(l, &e);
	CHECK(!last.is_existing);
}

static void test_existing_flows(void)
{
	struct life *l = begin(FILTER_FLOW);

	exists(l, before(SOCKET_LISTEN, 1, 7, 6));
	exists(l, before(SOCKET_BIND, 2, 7, 17));
	exists(l, before(SOCKET_CONNECT, 3, 7, 6));
	CHECK_STR(told, "");
	exists(l, before(SOCKET_ESTABLISHED, 4, 8, 6));
	CHECK(!last.is_outbound && last.parent_cookie == 1);
	exists(l, before(SOCKET_ESTABLISHED, 5, 9, 17));
	CHECK(last.is_outbound && !last.parent_cookie);
	CHECK_STR(told, "ESTABLISHED/8/exact ESTABLISHED/9/exact");
	told[0] = '\0';
	close_unused(l, 4, 6);
	CHECK(last.is_begin_unseen && last.has_counts && !last.is_outbound);
	close_unused(l, 5, 17);
	CHECK(last.is_begin_unseen);
	CHECK_EQ(last.socket.remote[15], 2);
	close_unused(l, 1, 6);
	CHECK_STR(told, "DELETED/8/exact DELETED/9/exact");
	/* The one under way comes to be, and is as any other. */
	take(l, SOCKET_ESTABLISHED, 3, 7);
	CHECK(last.kind == LIFE_ESTABLISHED && !last.is_existing && last.is_outbound);
	life_free(l);
}

static void test_existing_sockets(void)
{
	struct life *l = begin(FILTER_SOCKET);

	exists(l, before(SOCKET_LISTEN, 1, 7, 6));
	exists(l, before(SOCKET_BIND, 2, 7, 17));
	exists(l, before(SOCKET_CONNECT, 3, 7, 6));
	exists(l, before(SOCKET_ESTABLISHED, 4, 8, 6));
	exists(l, before(SOCKET_ESTABLISHED, 5, 0, 17));
	CHECK_STR(told, "LISTEN/7/exact BIND/7/exact CONNECT/7/exact ACCEPT/8/exact "
			"CONNECT/0/unknown");
	told[0] = '\0';
	/* Another process has it now. */
	take(l, SOCKET_USE, 4, 9);
	close_unused(l, 4, 6);
	close_unused(l, 5, 17);
	take(l, SOCKET_CLOSE, 1, 6);
	CHECK_STR(told, "CLOSE/9/exact CLOSE/0/unknown CLOSE/6/exact");
	life_free(l);
}

/* A flow that an existing UDP socket begins later has a beginning. */
static void test_existing_begins_another(void)
{
	struct life *l = begin(FILTER_FLOW);

	exists(l, before(SOCKET_ESTABLISHED, 1, 7, 17));
	take_udp(l, SOCKET_SEND, 1, 9);
	CHECK_STR(told, "ESTABLISHED/7/exact ESTABLISHED/7/exact");
	CHECK(!last.is_existing);
	told[0] = '\0';
	take_udp(l, SOCKET_CLOSE, 1, 0);
	CHECK_STR(told, "DELETED/7/exact DELETED/7/exact");
	CHECK(last.is_begin_unseen && !last.has_counts);
	/* The same end as before is no other flow. */
	exists(l, before(SOCKET_ESTABLISHED, 2, 7, 17));
	told[0] = '\0';
	struct socket_event again = before(SOCKET_ESTABLISHED, 2, 7, 17);
	again.kind = SOCKET_SEND;
	life_take(l, &again);
	CHECK_STR(told, "");
	life_free(l);
}

static struct socket_event seeded(uint8_t protocol, uint8_t state, uint16_t remote_port)
{
	struct socket_seed s = { .key = { .protocol = protocol,
					  .family = 4,
					  .local_port = 80,
					  .remote_port = remote_port },
				 .cookie = 3,
				 .pid = 7,
				 .state = state };
	struct socket_event e;

	existing_event(&e, &s);
	CHECK(e.cookie == 3 && e.pid == 7 && e.local_port == 80);
	return e;
}

/* What a look at the sockets makes of each, by the kernel's state of it. */
static void test_seed(void)
{
	CHECK_EQ(seeded(6, 10, 0).kind, SOCKET_LISTEN);
	CHECK_EQ(seeded(6, 2, 443).kind, SOCKET_CONNECT);
	CHECK_EQ(seeded(6, 1, 443).kind, SOCKET_ESTABLISHED);
	CHECK_EQ(seeded(6, 8, 443).kind, SOCKET_ESTABLISHED); /* CLOSE_WAIT */
	CHECK_EQ(seeded(6, 7, 443).kind, 0);
	CHECK_EQ(seeded(6, 7, 0).kind, 0);
	CHECK_EQ(seeded(17, 1, 53).kind, SOCKET_ESTABLISHED);
	CHECK_EQ(seeded(17, 7, 0).kind, SOCKET_BIND);
}

/* More than there is room for: counted, and nothing is told twice or of another. */
static void test_bounds(void)
{
	struct life *l = begin(FILTER_FLOW);

	for (unsigned i = 0; i < LIFE_FLOWS + 500; i++) {
		told[0] = '\0';
		take_udp(l, SOCKET_SEND, 1 + i / 200, (uint8_t)(1 + i % 200));
		CHECK_STR(told, "ESTABLISHED/7/exact");
	}
	CHECK_EQ(life_forgotten(l), 500);
	for (unsigned i = 0; i <= LIFE_FLOWS / 200; i++) {
		told[0] = '\0';
		take_udp(l, SOCKET_CLOSE, 1 + i, 0);
	}
	take_udp(l, SOCKET_SEND, 1000000, 1);
	CHECK_EQ(life_forgotten(l), 500);
	told[0] = '\0';
	for (unsigned i = 0; i < LIFE_HELD + 10; i++)
		take(l, SOCKET_ESTABLISHED, 2000000 + i, 0);
	CHECK_EQ(strncmp(told, "ESTABLISHED/0/unknown ", 22), 0);
	life_finish(l);
	life_free(l);
}

static bool matches(const char *text, enum filter_layer layer)
{
	struct filter_input in;
	struct filter *f;
	bool is_match;

	CHECK(!filter_compile(&f, text, layer, 0, NULL));
	life_filter_input(&in, &last, 5);
	is_match = filter_match(f, &in) > 0;
	filter_free(f);
	return is_match;
}

static void test_filter(void)
{
	struct life *l = begin(FILTER_SOCKET);

	take(l, SOCKET_CONNECT, 1, 7);
	CHECK(matches("event == CONNECT", FILTER_SOCKET));
	CHECK(!matches("event == BIND", FILTER_SOCKET));
	CHECK(matches("processId == 7 and tcp and outbound", FILTER_SOCKET));
	CHECK(matches("remoteAddr == 10.0.0.2 and remotePort == 5000", FILTER_SOCKET));
	CHECK(matches("localAddr == 10.0.0.1 and localPort == 80", FILTER_SOCKET));
	CHECK(matches("endpointId == 1 and protocol == 6", FILTER_SOCKET));
	CHECK(!matches("loopback or udp", FILTER_SOCKET));
	take(l, SOCKET_BIND, 2, 7);
	CHECK(matches("event == BIND and remotePort == 0", FILTER_SOCKET));
	CHECK(matches("remoteAddr == ::", FILTER_SOCKET));
	CHECK(!matches("remoteAddr == 0.0.0.0", FILTER_SOCKET));
	/* Bound to any address: IPv4's is mapped. */
	struct socket_event any = make(SOCKET_BIND, 3, 7);
	memset(any.local, 0, sizeof any.local);
	life_take(l, &any);
	CHECK(matches("localAddr == 0.0.0.0", FILTER_SOCKET));
	life_free(l);
}

static void test_line(void)
{
	struct life *l = begin(FILTER_FLOW);
	struct line_clock clock = { .length = 0 };
	char text[SOCKET_LINE_MAX];
	struct line line;

	take(l, SOCKET_CLOSE, 1, 7);
	line_init(&line, text, sizeof text - 1);
	socket_line_put(&line, &clock, &last, 1763853215000000001);
	text[line_length(&line)] = '\0';
	CHECK_STR(
		text,
		"{\"ns\":1763853215000000001,\"time\":\"2025-11-22T23:13:35.000000001Z\","
		"\"layer\":\"flow\",\"event\":\"DELETED\",\"protocol\":\"tcp\",\"ip_version\":4,"
		"\"local\":\"10.0.0.1\",\"local_port\":80,\"remote\":\"10.0.0.2\","
		"\"remote_port\":5000,\"outbound\":true,\"loopback\":false,\"pid\":7,\"tid\":null,"
		"\"process\":\"p7\",\"process_certainty\":\"exact\","
		"\"process_start_ns\":70000000,\"uid\":0,\"endpoint\":1,\"parent_endpoint\":null,"
		"\"netns\":null,\"packets_out\":0,\"bytes_out\":0,\"packets_in\":0,\"bytes_in\":0,"
		"\"begin_seen\":false}\n");
	life_free(l);
}

int main(void)
{
	RUN(test_client);
	RUN(test_refused);
	RUN(test_server);
	RUN(test_never_used);
	RUN(test_udp);
	RUN(test_begun_before);
	RUN(test_existing_flows);
	RUN(test_existing_sockets);
	RUN(test_existing_begins_another);
	RUN(test_seed);
	RUN(test_bounds);
	RUN(test_filter);
	RUN(test_line);
	return tap_done();
}
