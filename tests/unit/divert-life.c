/* Events of WinDivert's FLOW and SOCKET layers as lines and for filters: what it says, and no more. */
#include "analyze/divert_life.h"

#include "analyze/socket_line.h"
#include "lib/tap.h"
#include "packet/headers.h"
#include "store/record.h"

static struct divert_told told(void)
{
	struct divert_told t = {
		.address = { .ticks = 123,
			     .layer = WINDIVERT_FLOW,
			     .event = WINDIVERT_FLOW_DELETED,
			     .is_outbound = true,
			     .endpoint_id = 5,
			     .parent_endpoint = 4,
			     .process_id = 77,
			     .local_port = 1001,
			     .remote_port = 80,
			     .protocol = PROTOCOL_TCP,
			     .local_address = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
			     .remote_address = { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
		.who = { .start_ns = 1700000000000000100,
			 .name = "a program with a long name.exe" }
	};

	return t;
}

static const char *line_of(const struct life_event *e)
{
	static struct line_clock clock;
	static char text[SOCKET_LINE_MAX];
	struct line l;

	line_init(&l, text, sizeof text);
	socket_line_put(&l, &clock, e, 1700000000000000000);
	text[line_length(&l)] = '\0';
	return text;
}

static void test_line(void)
{
	struct divert_told t = told();
	struct life_event e;
	const char *line;

	divert_life_take(&e, &t, 10000000);
	CHECK_EQ(e.socket.ns, 12300);
	CHECK_EQ(e.certainty, OWNER_EXACT);
	line = line_of(&e);
	CHECK(strstr(line, "\"event\":\"DELETED\""));
	CHECK(strstr(line, "\"local\":\"10.0.0.1\",\"local_port\":1001"));
	CHECK(strstr(line, "\"process\":\"a program with a long name.exe\""));
	CHECK(strstr(line, "\"process_start_ns\":1700000000000000100,\"uid\":null"));
	CHECK(strstr(line, "\"endpoint\":5,\"parent_endpoint\":4,\"netns\":null"));
	/* Nobody has counted. */
	CHECK(strstr(line, "\"packets_out\":null,\"bytes_out\":null"));
	CHECK(!strstr(line, "begin_seen"));
}

static void test_gone(void)
{
	struct divert_told t = told();
	struct life_event e;

	t.who = (struct pids_answer){ .start_ns = 99, .is_gone = true };
	divert_life_take(&e, &t, 10000000);
	CHECK(strstr(line_of(&e), "\"pid\":77,\"tid\":null,\"process\":null"));
	CHECK(strstr(line_of(&e), "\"process_start_ns\":null"));
	t.address.process_id = 0;
	divert_life_take(&e, &t, 10000000);
	CHECK_EQ(e.certainty, OWNER_UNKNOWN);
	CHECK(strstr(line_of(&e), "\"pid\":null"));
}

static void test_filter(void)
{
	struct divert_told t = told();
	struct filter_input in;
	struct life_event e;

	divert_life_take(&e, &t, 10000000);
	life_filter_input(&in, &e, 1700000000000000000);
	/* WinDivert's own time, and ours. */
	CHECK_EQ(in.address.timestamp, 123);
	CHECK_EQ(in.time_ns, 1700000000000000000);
	CHECK_EQ(in.address.event, 2);
	CHECK_EQ(in.address.process_id, 77);
	CHECK_STR(in.process_name, "a program with a long name.exe");
}

int main(void)
{
	RUN(test_line);
	RUN(test_gone);
	RUN(test_filter);
	return tap_done();
}
