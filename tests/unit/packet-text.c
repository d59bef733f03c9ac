/* Headers as text; the addresses against the C library's own. */
#include "packet/text.h"

#include "lib/tap.h"

#include <arpa/inet.h>

static uint32_t state = 1;

static uint32_t next_random(void)
{
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

/* The same as inet_ntop() for addresses with runs of zero groups everywhere. */
static void test_addresses(void)
{
	char ours[ADDRESS_TEXT], theirs[ADDRESS_TEXT];
	unsigned differences = 0;

	for (unsigned i = 0; i < 100000; i++) {
		uint8_t a[16];
		uint32_t zero = next_random(), small = next_random();

		for (unsigned g = 0; g < 8; g++) {
			uint32_t v = next_random();

			a[2 * g] = zero >> g & 1 || small >> g & 1 ? 0 : (uint8_t)v;
			a[2 * g + 1] = zero >> g & 1 ? 0 : (uint8_t)(v >> 8);
			if (zero >> 12 & 1 && g == 5 && v & 1)
				a[10] = a[11] = 0xff;
		}
		if (address_text(6, a, ours) != strlen(ours) ||
		    !inet_ntop(AF_INET6, a, theirs, sizeof theirs) ||
		    strcmp(ours, theirs) != 0) {
			differences++;
			printf("# %s, want %s\n", ours, theirs);
		}
		if (address_text(4, a, ours) != strlen(ours) ||
		    !inet_ntop(AF_INET, a, theirs, sizeof theirs) ||
		    strcmp(ours, theirs) != 0)
			differences++;
		if (differences > 10)
			break;
	}
	CHECK_EQ(differences, 0);
}

static void check_address(const char *text)
{
	uint8_t a[16];
	char ours[ADDRESS_TEXT];

	CHECK_EQ(inet_pton(AF_INET6, text, a), 1);
	(void)address_text(6, a, ours);
	CHECK_STR(ours, text);
}

static void test_chosen_addresses(void)
{
	check_address("::");
	check_address("::1");
	check_address("1::");
	check_address("fe80::1");
	check_address("2001:db8:0:1::");
	check_address("2001:0:0:1::1");
	check_address("::ffff:10.0.0.1");
	check_address("::1.2.3.4");
	check_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void test_flags(void)
{
	char text[FLAGS_TEXT];

	CHECK_EQ(tcp_flags_text(0, text), 0);
	CHECK_STR(text, "");
	(void)tcp_flags_text(0x02, text);
	CHECK_STR(text, "SYN");
	(void)tcp_flags_text(0x12, text);
	CHECK_STR(text, "SYN,ACK");
	(void)tcp_flags_text(0x19, text);
	CHECK_STR(text, "FIN,PSH,ACK");
	CHECK_EQ(tcp_flags_text(0xffff, text), strlen(text));
	CHECK_STR(text, "SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE");
}

static const char *protocol(unsigned version, unsigned number, unsigned ethertype)
{
	static char text[PROTOCOL_TEXT];
	struct headers h = { .ip_version = (uint8_t)version,
			     .protocol = (uint8_t)number };

	h.link.ethertype = (uint16_t)ethertype;
	CHECK_EQ(protocol_text(&h, text), strlen(text));
	return text;
}

static void test_protocols(void)
{
	CHECK_STR(protocol(4, 6, 0x800), "tcp");
	CHECK_STR(protocol(6, 58, 0x86dd), "icmpv6");
	CHECK_STR(protocol(4, 255, 0x800), "ip-255");
	CHECK_STR(protocol(0, 0, 0x806), "arp");
	CHECK_STR(protocol(0, 0, 0x88cc), "lldp");
	CHECK_STR(protocol(0, 0, 0x800), "ipv4");
	CHECK_STR(protocol(0, 0, 0x9000), "0x9000");
	CHECK_STR(protocol(0, 0, 0), "");
}

static const char *icmp(unsigned number, unsigned type, unsigned code)
{
	static char text[ICMP_TEXT];
	struct headers h = { .protocol = (uint8_t)number,
			     .icmp_type = (uint8_t)type,
			     .icmp_code = (uint8_t)code };

	CHECK_EQ(icmp_text(&h, text), strlen(text));
	return text;
}

static void test_icmp(void)
{
	CHECK_STR(icmp(1, 8, 0), "echo request");
	CHECK_STR(icmp(1, 3, 3), "port unreachable");
	CHECK_STR(icmp(1, 3, 9), "unreachable");
	CHECK_STR(icmp(1, 200, 201), "type 200 code 201");
	CHECK_STR(icmp(58, 128, 0), "echo request");
	CHECK_STR(icmp(58, 135, 0), "neighbor solicitation");
}

int main(void)
{
	RUN(test_addresses);
	RUN(test_chosen_addresses);
	RUN(test_flags);
	RUN(test_protocols);
	RUN(test_icmp);
	return tap_done();
}
