/* The verified examples of WinDivert's language: filter, sample packets that match or do not, and
 * WinDivert's own normalised text.  All were run through WinDivert's evaluator. */
#include "filter/view.h"
#include "lib/filter.h"
#include "lib/tap.h"

static const struct {
	char name;
	const char *hex;
} samples[] = {
	{ 'A',
	  "45000028123440004006e8bc0a0000055db8d822c93b01bb00000005000000005002faf0aa160000" },
	{ 'B',
	  "4500003100010000801120a70a00000508080808c93b0035001d6a9dabcd01000001000000000000016101620000010001" },
	{ 'C',
	  "6b81234500260640fe80000000000000000000000000000120010db80000000000000000000000539c400050000000010000000150182000e7f90000474554202f20485454502f312e310d0a0d0a" },
	{ 'D',
	  "4500002400020000400160c30a0000050808080808006565010200036162636465666768" },
	{ 'E',
	  "4500002c00032000401146b10a0000050a00000903e807d003f0000078787878787878787878787878787878" },
	{ 'F',
	  "4500002400030003401166b60a0000050a00000979797979797979797979797979797979" },
	{ 'G',
	  "6000000000182c40fe800000000000000000000000000001fe800000000000000000000000000002110005c8000000077a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a" },
	{ 'H',
	  "6000000000120040fe800000000000000000000000000001fe800000000000000000000000000002110001040000000000010002000a9a696869" },
	{ 'I', "45000028123440004006e8bc0a0000055db8d822c93b01bb000000050000" },
	{ 'J',
	  "4500003100010000801120a70a00000508080808c93b0035001d6a9dabcd01000001000000000000016101620000010001eeeeeeeeee" },
	{ 'K',
	  "45000028123440004006e8bc0a0000055db8d822c93b01bb00000005000000004002faf0aa160000" },
	{ 'L',
	  "45000028123440004006e8bc0a0000055db8d822c93b01bb0000000500000000f002faf0aa160000" },
	{ 'M',
	  "6000000100081140fe800000000000000000000000000001fe80000000000000000000000000000200010002000802d7" },
};

/* "A B" in `yes` and `no`: the samples that match and that do not. */
static const struct example {
	const char *filter, *yes, *no, *normal;
} examples[] = {
	{ "tcp.DstPort == 443", "A", "BC", "tcp.DstPort = 443" },
	{ "tcp.DstPort != 80", "A", "BCD", "tcp.DstPort != 80" },
	{ "not tcp.DstPort == 80", "A", "B", "tcp.DstPort != 80" },
	{ "not tcp.DstPort", "", "AB", "tcp.DstPort = 0" },
	{ "tcp.DstPort", "A", "B", "tcp.DstPort != 0" },
	{ "not tcp", "BD", "A", "not tcp" },
	{ "tcp.DstPort > 65535", "BD", "A", "not tcp" },
	{ "tcp.DstPort == 70000", "B", "A", "not tcp" },
	{ "tcp.DstPort != 70000", "A", "B", "tcp" },
	{ "tcp.DstPort < 0", "B", "A", "not tcp" },
	{ "tcp.DstPort >= 0", "A", "B", "tcp" },
	{ "udp.DstPort > 65535 and udp.DstPort < 0", "A", "B", "not udp and not udp" },
	{ "tcp.SeqNum == 4294967301", "A", "", "tcp.SeqNum = 4294967301" },
	{ "tcp.SeqNum > -1", "A", "B", "tcp.SeqNum > -1" },
	{ "tcp.DstPort > -1", "A", "B", "tcp" },
	{ "ip.SrcAddr == 10.0.0.5", "A", "C", "ip.SrcAddr = 10.0.0.5" },
	{ "ip.SrcAddr == 0x0a000005", "C", "A", "not ip" },
	{ "ip.SrcAddr == 0xffff0a000005", "A", "C", "ip.SrcAddr = 10.0.0.5" },
	{ "ip.SrcAddr == ::1", "C", "A", "not ip" },
	{ "ip.SrcAddr", "A", "C", "ip" },
	{ "ip.SrcAddr >= 10.0.0.0 and ip.SrcAddr <= 10.255.255.255", "A", "C",
	  "ip.SrcAddr >= 10.0.0.0 and ip.SrcAddr <= 10.255.255.255" },
	{ "ipv6.SrcAddr >= fe80:: and ipv6.SrcAddr <= febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "C", "A",
	  "ipv6.SrcAddr >= fe80:: and ipv6.SrcAddr <= febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "localAddr == 10.0.0.5", "A", "", "localAddr = 10.0.0.5" },
	{ "localAddr == ::ffff:10.0.0.5", "A", "", "localAddr = 10.0.0.5" },
	{ "remoteAddr == 93.184.216.34", "A", "", "remoteAddr = 93.184.216.34" },
	{ "localPort == 8 and remotePort == 0", "D", "",
	  "localPort = 8 and remotePort = 0" },
	{ "protocol == UDP", "BEFGH", "", "protocol = 17" },
	{ "udp", "BEH", "FG", "udp" },
	{ "fragment", "EFG", "B", "fragment" },
	{ "udp.DstPort == 2000", "E", "F", "udp.DstPort = 2000" },
	{ "udp.PayloadLength == 16", "E", "", "udp.PayloadLength = 16" },
	{ "ip.FragOff == 3 and ip.MF == 0", "F", "", "ip.FragOff = 3 and not ip.MF" },
	{ "ipv6.NextHdr == UDP", "", "H", "ipv6.NextHdr = 17" },
	{ "protocol == 17 and udp.SrcPort == 1", "H", "",
	  "protocol = 17 and udp.SrcPort = 1" },
	{ "ip.TTL == 300", "C", "A", "not ip" },
	{ "ip.TOS == 300", "", "AC", "ip.TOS = 300" },
	{ "ipv6.FlowLabel == 0x12345", "", "C", "ipv6.FlowLabel = 74565" },
	{ "ipv6.FlowLabel > 0", "CM", "", "ipv6.FlowLabel > 0" },
	{ "ipv6.FlowLabel == 0x10000", "M", "", "ipv6.FlowLabel = 65536" },
	{ "ipv6.TrafficClass == 0xb8", "C", "", "ipv6.TrafficClass = 184" },
	{ "packet[0] == 0x45", "A", "C", "packet[0b] = 0x45" },
	{ "packet[1000] >= 0", "A", "", "true" },
	{ "packet[1000] >= 1 or packet[1000] < 1", "", "A",
	  "packet[1000b] >= 0x1 or packet[1000b] < 0x1" },
	{ "not packet[1000] == 7", "", "A", "packet[1000b] != 0x7" },
	{ "packet32[1000b] >= 0", "", "A", "packet32[1000b] >= 0x0" },
	{ "tcp.Payload32[0] == 0x47455420", "C", "A", "tcp.Payload32[0b] = 0x47455420" },
	{ "tcp.Payload[5000] >= 0", "A", "B", "tcp" },
	{ "tcp.Payload[-1] == 0x0a", "C", "", "tcp.Payload[-1b] = 0xa" },
	{ "tcp.Payload16[-1] == 0x0d0a", "C", "", "tcp.Payload16[-2b] = 0xd0a" },
	{ "tcp.Payload16[-3b] == 0x0a0d", "C", "", "tcp.Payload16[-3b] = 0xa0d" },
	{ "packet16[2] == 0x1234", "A", "", "packet16[4b] = 0x1234" },
	{ "packet16[4b] == 0x1234", "A", "", "packet16[4b] = 0x1234" },
	{ "packet16[4 b] == 0x1234", "", "A", "packet16[8b] = 0x1234" },
	{ "packet[-1] == 0xee", "J", "", "packet[-1b] = 0xee" },
	{ "length == 54", "J", "", "length = 54" },
	{ "udp.PayloadLength == 21 and udp.Payload[-1] == 1", "J", "",
	  "udp.PayloadLength = 21 and udp.Payload[-1b] = 0x1" },
	{ "tcp", "L", "IK", "tcp" },
	{ "protocol == TCP", "IK", "", "protocol = 6" },
	{ "tcp.PayloadLength == 0 and tcp.HdrLength == 15", "L", "",
	  "tcp.PayloadLength = 0 and tcp.HdrLength = 15" },
	{ "length > 0", "A", "", "true" },
	{ "zero == -0", "", "A", "false" },
	{ "event == -0", "", "A", "false" },
	{ "impostor > -0", "A", "", "impostor > -0" },
	{ "true == 1 and true != 2 and not false", "A", "", "true" },
	{ "tcp.Syn == 2", "B", "A", "not tcp" },
	{ "loopback == 2", "", "A", "loopback = 2" },
	{ "loopback < 2", "A", "", "loopback < 2" },
	{ "outbound == 2", "", "A", "false" },
	{ "tcp or udp and false", "A", "B", "tcp" },
	{ "(tcp? tcp.DstPort == 443: udp.DstPort == 53)", "AB", "D",
	  "(tcp? tcp.DstPort = 443: udp.DstPort = 53)" },
	{ "tcp b and b b b tcp", "A", "B", "tcp and tcp" },
	{ "ip.DstAddr == 4294967304.8.8.8", "B", "", "ip.DstAddr = 8.8.8.8" },
	{ "ip.Length == 0x", "", "A", "ip.Length = 0" },
};

static const struct record {
	enum filter_layer layer;
	const char *filter;
	struct filter_address address;
	bool verdict;
	const char *normal;
} records[] = {
	{ FILTER_FLOW,
	  "ip",
	  { .event = 1, .protocol = 6, .is_outbound = 1 },
	  false,
	  "ip" },
	{ FILTER_FLOW,
	  "ipv6",
	  { .event = 1, .protocol = 6, .is_ipv6 = 1 },
	  false,
	  "ipv6" },
	{ FILTER_FLOW,
	  "not ip and not ipv6",
	  { .event = 1, .protocol = 6 },
	  true,
	  "not ip and not ipv6" },
	{ FILTER_FLOW, "tcp", { .event = 1, .protocol = 6 }, true, "tcp" },
	{ FILTER_FLOW, "icmp", { .event = 1, .protocol = 1 }, true, "icmp" },
	{ FILTER_FLOW,
	  "icmp",
	  { .event = 1, .protocol = 1, .is_ipv6 = 1 },
	  false,
	  "icmp" },
	{ FILTER_FLOW,
	  "icmpv6",
	  { .event = 1, .protocol = 58, .is_ipv6 = 1 },
	  true,
	  "icmpv6" },
	{ FILTER_FLOW,
	  "remoteAddr == 8.8.8.8",
	  { .event = 1,
	    .remote_address = { [10] = 0xff,
				[11] = 0xff,
				[12] = 0x08,
				[13] = 0x08,
				[14] = 0x08,
				[15] = 0x08 } },
	  true,
	  "remoteAddr = 8.8.8.8" },
	{ FILTER_SOCKET,
	  "remoteAddr == 0.0.0.0",
	  { .event = 3 },
	  false,
	  "remoteAddr = 0.0.0.0" },
	{ FILTER_SOCKET, "remoteAddr == ::", { .event = 3 }, true, "remoteAddr = ::" },
	{ FILTER_SOCKET, "not remoteAddr", { .event = 3 }, true, "remoteAddr = ::" },
	{ FILTER_SOCKET, "event == CLOSE", { .event = 7 }, true, "event = CLOSE" },
	{ FILTER_REFLECT, "event == CLOSE", { .event = 9 }, true, "event = CLOSE" },
	{ FILTER_REFLECT,
	  "layer == FLOW and priority < 0",
	  { .event = 8, .reflect_layer = 2, .priority = -5 },
	  true,
	  "layer = FLOW and priority < 0" },
	{ FILTER_REFLECT, "priority == -30001", { .event = 8 }, false, "false" },
	{ FILTER_FLOW,
	  "timestamp < 0",
	  { .event = 1, .timestamp = -5 },
	  true,
	  "timestamp < 0" },
	{ FILTER_FLOW,
	  "endpointId > 0xffffffff",
	  { .event = 1, .endpoint_id = 1099511627776 },
	  true,
	  "endpointId > 4294967295" },
	{ FILTER_FLOW,
	  "processId == 4294967300",
	  { .event = 1, .process_id = 4 },
	  false,
	  "false" },
};

static const struct {
	char sample;
	uint64_t hash[3]; /* of seeds 0, 1, 12345 */
} hashes[] = {
	{ 'A',
	  { UINT64_C(0xc716441be3cf99dd), UINT64_C(0xd4976e25834b3b72),
	    UINT64_C(0xe50c51da61cc481c) } },
	{ 'B',
	  { UINT64_C(0x96935c0516beb9d6), UINT64_C(0x8092f190db096e37),
	    UINT64_C(0x4b334fcb13a3eccd) } },
	{ 'C',
	  { UINT64_C(0xdabb9869eede2920), UINT64_C(0xdbbce3efe788ff7d),
	    UINT64_C(0x43ff254b9f8dfb5b) } },
	{ 'D',
	  { UINT64_C(0x39a37547efc613dc), UINT64_C(0x8f2cf0b79ca8b80b),
	    UINT64_C(0x85366a5e240c76af) } },
	{ 'E',
	  { UINT64_C(0x6a7fe32b8e604660), UINT64_C(0x0bb3d939fd5265c1),
	    UINT64_C(0xbf711f11ade7b930) } },
	{ 'F',
	  { UINT64_C(0x3f87c0beea48e817), UINT64_C(0xf842f324169af09e),
	    UINT64_C(0xb0986c3b5ea2e107) } },
	{ 'G',
	  { UINT64_C(0x5f0eeaf47cec929e), UINT64_C(0xaa543463cc3b831d),
	    UINT64_C(0x561ad457a5be89e8) } },
	{ 'H',
	  { UINT64_C(0x2768d2d08eecc79e), UINT64_C(0x001eeb6021d7284c),
	    UINT64_C(0x7b3b7c8061336094) } },
};

static size_t sample(char name, struct filter_input *in, uint8_t *bytes, size_t max)
{
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
		if (samples[i].name == name) {
			memset(in, 0, sizeof *in);
			filter_input_packet(in, bytes,
					    hex_bytes(samples[i].hex, bytes, max));
			in->address.is_outbound = true;
			in->address.if_idx = 2;
			return in->length;
		}
	return 0;
}

static void check_samples(const struct example *e, const char *names, int want)
{
	uint8_t bytes[256];
	struct filter_input in;

	for (; *names; names++) {
		int got;

		CHECK(sample(*names, &in, bytes, sizeof bytes) > 0);
		got = verdict(e->filter, FILTER_NETWORK, FILTER_WINDIVERT, &in);
		if (got != want)
			printf("# %s on %c\n", e->filter, *names);
		CHECK_EQ(got, want);
	}
}

static void test_verdicts_of_packets(void)
{
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		check_samples(&examples[i], examples[i].yes, 1);
		check_samples(&examples[i], examples[i].no, 0);
	}
}

/* The formatter agrees with WinDivert's, and its text reads back as the same. */
static void check_normal(const char *text, enum filter_layer layer, const char *normal)
{
	struct filter *f, *again;

	CHECK_EQ(filter_compile(&f, text, layer, FILTER_WINDIVERT, NULL), 0);
	if (!f)
		return;
	CHECK_STR(filter_normal(f), normal);
	CHECK_EQ(filter_compile(&again, filter_normal(f), layer, FILTER_WINDIVERT, NULL),
		 0);
	if (again) {
		CHECK_STR(filter_normal(again), normal);
		CHECK_STR(filter_hash(again), filter_hash(f));
	}
	filter_free(again);
	filter_free(f);
}

static void test_normal_texts(void)
{
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
		check_normal(examples[i].filter, FILTER_NETWORK, examples[i].normal);
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
		check_normal(records[i].filter, records[i].layer, records[i].normal);
}

static void test_verdicts_of_records(void)
{
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct filter_input in = { .address = records[i].address };
		int got = verdict(records[i].filter, records[i].layer, FILTER_WINDIVERT,
				  &in);

		if (got != records[i].verdict)
			printf("# %s\n", records[i].filter);
		CHECK_EQ(got, records[i].verdict);
	}
}

static void test_packet_hashes(void)
{
	static const int64_t seeds[] = { 0, 1, 12345 };

	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		for (size_t k = 0; k < 3; k++) {
			uint8_t bytes[256];
			struct filter_input in;
			struct view v;

			(void)sample(hashes[i].sample, &in, bytes, sizeof bytes);
			CHECK_EQ(view_packet(&v, &in), 0);
			CHECK(view_hash(&v, seeds[k]) == hashes[i].hash[k]);
		}
}

int main(void)
{
	RUN(test_verdicts_of_packets);
	RUN(test_verdicts_of_records);
	RUN(test_normal_texts);
	RUN(test_packet_hashes);
	return tap_done();
}
