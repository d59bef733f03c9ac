/* WinDivert's address record: each layer from bytes laid out by hand and back, what is refused, and
 * the sentence of each error of WinDivertOpen(). */
#include "base/bytes.h"
#include "lib/tap.h"
#include "port/windivert_form.h"

static uint8_t bytes[WINDIVERT_ADDRESS_BYTES];
static struct windivert_address a;

static void begin(uint8_t layer, uint8_t event, uint8_t bits)
{
	memset(bytes, 0, sizeof bytes);
	(void)put_u64le(bytes, UINT64_C(0x0102030405060708));
	bytes[8] = layer;
	bytes[9] = event;
	bytes[10] = bits;
}

/* What was read, written again, is what it was. */
static void check_again(void)
{
	uint8_t again[WINDIVERT_ADDRESS_BYTES];

	memset(again, 0xee, sizeof again);
	windivert_address_write(&a, again);
	CHECK(!memcmp(bytes, again, sizeof again));
}

static void test_network(void)
{
	begin(WINDIVERT_NETWORK, WINDIVERT_PACKET, 0x02 | 0x20 | 0x40);
	(void)put_u32le(bytes + 16, 7);
	(void)put_u32le(bytes + 20, 3);
	CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), 0);
	CHECK_EQ(a.ticks, INT64_C(0x0102030405060708));
	CHECK_EQ(a.layer, WINDIVERT_NETWORK);
	CHECK_EQ(a.if_idx, 7);
	CHECK_EQ(a.sub_if_idx, 3);
	CHECK(a.is_outbound && a.has_ip_checksum && a.has_tcp_checksum);
	CHECK(!a.is_sniffed && !a.is_loopback && !a.is_impostor && !a.is_ipv6 &&
	      !a.has_udp_checksum);
	check_again();
}

static void test_each_bit(void)
{
	for (unsigned bit = 0; bit < 8; bit++) {
		begin(WINDIVERT_FORWARD, WINDIVERT_PACKET, (uint8_t)(1U << bit));
		CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), 0);
		CHECK_EQ(a.is_sniffed, bit == 0);
		CHECK_EQ(a.is_outbound, bit == 1);
		CHECK_EQ(a.is_loopback, bit == 2);
		CHECK_EQ(a.is_impostor, bit == 3);
		CHECK_EQ(a.is_ipv6, bit == 4);
		CHECK_EQ(a.has_ip_checksum, bit == 5);
		CHECK_EQ(a.has_tcp_checksum, bit == 6);
		CHECK_EQ(a.has_udp_checksum, bit == 7);
		check_again();
	}
}

static void test_flow(void)
{
	static const uint8_t mapped[16] = { 0, 0, 0,    0,    0,  0, 0, 0,
					    0, 0, 0xff, 0xff, 10, 0, 0, 5 };
	static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
					 0,    0, 0,   0,    0, 0, 0, 9 };

	begin(WINDIVERT_FLOW, WINDIVERT_FLOW_ESTABLISHED, 0x10);
	(void)put_u64le(bytes + 16, 11);
	(void)put_u64le(bytes + 24, 22);
	(void)put_u32le(bytes + 32, 4711);
	(void)put_u32le(bytes + 36, 0x0a000005);
	(void)put_u32le(bytes + 40, 0xffff);
	(void)put_u32le(bytes + 52, 9);
	(void)put_u32le(bytes + 64, 0x20010db8);
	(void)put_u16le(bytes + 68, 443);
	(void)put_u16le(bytes + 70, 50000);
	bytes[72] = 6;
	CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), 0);
	CHECK_EQ(a.endpoint_id, 11);
	CHECK_EQ(a.parent_endpoint, 22);
	CHECK_EQ(a.process_id, 4711);
	CHECK(!memcmp(a.local_address, mapped, 16));
	CHECK(!memcmp(a.remote_address, six, 16));
	CHECK_EQ(a.local_port, 443);
	CHECK_EQ(a.remote_port, 50000);
	CHECK_EQ(a.protocol, 6);
	check_again();
}

static void test_socket(void)
{
	for (uint8_t e = WINDIVERT_SOCKET_BIND; e <= WINDIVERT_SOCKET_CLOSE; e++) {
		begin(WINDIVERT_SOCKET, e, 0);
		(void)put_u32le(bytes + 32, 99);
		bytes[72] = 17;
		CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), 0);
		CHECK_EQ(a.event, e);
		CHECK_EQ(a.process_id, 99);
		check_again();
	}
}

static void test_reflect(void)
{
	begin(WINDIVERT_REFLECT, WINDIVERT_REFLECT_OPEN, 0);
	(void)put_u64le(bytes + 16, 123456789);
	(void)put_u32le(bytes + 24, 42);
	(void)put_u32le(bytes + 28, WINDIVERT_FLOW);
	(void)put_u64le(bytes + 32, WINDIVERT_ADDRESS_BYTES);
	(void)put_u16le(bytes + 40, (uint16_t)-1000);
	CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), 0);
	CHECK_EQ(a.opened_ticks, 123456789);
	CHECK_EQ(a.process_id, 42);
	CHECK_EQ(a.opened_layer, WINDIVERT_FLOW);
	CHECK_EQ(a.opened_flags, 80);
	CHECK_EQ(a.priority, -1000);
	check_again();
}

static void test_refused(void)
{
	begin(WINDIVERT_NETWORK, WINDIVERT_PACKET, 0);
	for (size_t n = 0; n < sizeof bytes; n++)
		CHECK_EQ(windivert_address_read(&a, bytes, n), WEIR_ERR_FORMAT);
	begin(WINDIVERT_LAYERS, WINDIVERT_PACKET, 0);
	CHECK_EQ(windivert_address_read(&a, bytes, sizeof bytes), WEIR_ERR_FORMAT);
	/* Each event belongs to one kind of layer. */
	for (uint8_t layer = 0; layer < WINDIVERT_LAYERS; layer++) {
		unsigned taken = 0;

		for (unsigned e = 0; e < 256; e++) {
			begin(layer, (uint8_t)e, 0);
			taken += !windivert_address_read(&a, bytes, sizeof bytes);
		}
		CHECK_EQ(taken, layer == WINDIVERT_SOCKET   ? 5
				: layer > WINDIVERT_FORWARD ? 2
							    : 1);
	}
}

static void test_names(void)
{
	CHECK_STR(windivert_layer_name(WINDIVERT_FORWARD), "forward");
	CHECK_STR(windivert_layer_name(WINDIVERT_REFLECT), "reflect");
	CHECK(!windivert_layer_name(WINDIVERT_LAYERS));
}

/* Each has words of its own that say what to do, whole, and keeps its number. */
static void test_errors(void)
{
	static const struct {
		uint32_t error;
		const char *words;
	} rows[] = {
		{ 2, "WinDivert64.sys is not where" },
		{ 5, "run as administrator" },
		{ 87, "weir filter check --strict" },
		{ 433, "run as administrator" },
		{ 577, "signature" },
		{ 654, "another version" },
		{ 1058, "disabled" },
		{ 1060, "not installed" },
		{ 1114, "could not be initialised" },
		{ 1275, "blocks the driver" },
		{ 1753, "sc start BFE" },
		{ 4711, "net helpmsg 4711" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct weir_error err = { 0 };
		char number[16];

		CHECK_EQ(windivert_open_error(rows[i].error, &err), err.code);
		CHECK(err.code < 0);
		(void)snprintf(number, sizeof number, "error %u", rows[i].error);
		CHECK(strstr(err.text, number) != NULL);
		CHECK(strstr(err.text, rows[i].words) != NULL);
		CHECK(strlen(err.text) < WEIR_ERROR_TEXT - 1);
	}
}

int main(void)
{
	RUN(test_network);
	RUN(test_each_bit);
	RUN(test_flow);
	RUN(test_socket);
	RUN(test_reflect);
	RUN(test_refused);
	RUN(test_names);
	RUN(test_errors);
	return tap_done();
}
