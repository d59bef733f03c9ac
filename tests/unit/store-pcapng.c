/* The blocks around records, byte by byte as the draft has them. */
#include "store/pcapng.h"

#include "base/cursor.h"
#include "lib/tap.h"

static void test_section(void)
{
	static const uint8_t want[] = { 0x0A, 0x0D, 0x0D, 0x0A, 44,   0,    0, 0,    0x4D,
					0x3C, 0x2B, 0x1A, 1,    0,    0,    0, 0xFF, 0xFF,
					0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 4, 0,    5,
					0,    'w',  'e',  'i',  'r',  '9',  0, 0,    0,
					0,    0,    0,    0,    44,   0,    0, 0 };
	struct pcapng_section s = { .hardware = "", .os = NULL, .application = "weir9" };
	uint8_t block[PCAPNG_SECTION_MAX];

	CHECK_EQ(pcapng_put_section(block, &s), sizeof want);
	CHECK(!memcmp(block, want, sizeof want));
}

static void test_section_text_is_bounded(void)
{
	static char text[5000];
	struct pcapng_section s = { text, text, text };
	uint8_t block[PCAPNG_SECTION_MAX];

	memset(text, 'x', sizeof text - 1);
	CHECK_EQ(pcapng_put_section(block, &s), 24 + 3 * (4 + 256) + 8);
}

/* The option's value, or NULL. */
static const uint8_t *find(const uint8_t *block, size_t length, size_t at, uint16_t code,
			   uint16_t *size)
{
	struct cursor c;

	cur_init(&c, block + at, length - at - 4);
	while (!c.is_bad && cur_left(&c)) {
		uint16_t found = cur_u16le(&c);
		const uint8_t *value;

		*size = cur_u16le(&c);
		value = cur_bytes(&c, ALIGN_UP((size_t)*size, (size_t)4));
		if (found == code && found)
			return value;
	}
	return NULL;
}

static void fill(struct iface_info *info)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	memset(info, 0, sizeof *info);
	(void)snprintf(info->name, sizeof info->name, "eth7");
	(void)snprintf(info->filter, sizeof info->filter, "tcp");
	info->linktype = LINKTYPE_ETHERNET;
	info->snaplen = 96;
	memcpy(info->mac, mac, 6);
	info->has_mac = true;
	info->speed_bps = UINT64_C(10000000000);
	info->addr_count = 2;
	info->addrs[0] = (struct iface_addr){ 4, 20, { 192, 0, 2, 1 } };
	info->addrs[1] = (struct iface_addr){ 6, 64, { 0x20, 1, 0xd, 0xb8 } };
}

static void test_interface(void)
{
	struct iface_info info;
	uint8_t block[PCAPNG_INTERFACE_MAX];
	const uint8_t *value;
	uint16_t size;
	size_t n;

	fill(&info);
	n = pcapng_put_interface(block, &info);
	CHECK_EQ(get_u32le(block), PCAPNG_IDB);
	CHECK_EQ(get_u32le(block + 4), n);
	CHECK_EQ(get_u32le(block + n - 4), n);
	CHECK_EQ(get_u16le(block + 8), LINKTYPE_ETHERNET);
	CHECK_EQ(get_u32le(block + 12), 96);
	value = find(block, n, 16, 2, &size);
	CHECK(value && size == 4 && !memcmp(value, "eth7", 4));
	CHECK(!find(block, n, 16, 3, &size)); /* no description, no option */
	value = find(block, n, 16, 4, &size);
	CHECK(value && size == 8 && !memcmp(value, "\xc0\0\2\1\xff\xff\xf0\0", 8));
	value = find(block, n, 16, 5, &size);
	CHECK(value && size == 17 && value[0] == 0x20 && value[16] == 64);
	value = find(block, n, 16, 6, &size);
	CHECK(value && size == 6 && !memcmp(value, info.mac, 6));
	value = find(block, n, 16, 8, &size);
	CHECK(value && size == 8 && get_u64le(value) == info.speed_bps);
	value = find(block, n, 16, 9, &size);
	CHECK(value && size == 1 && value[0] == 9);
	value = find(block, n, 16, 11, &size);
	CHECK(value && size == 4 && !memcmp(value, "\0tcp", 4));
}

static void test_interface_largest(void)
{
	struct iface_info info;
	uint8_t block[PCAPNG_INTERFACE_MAX];

	fill(&info);
	memset(info.name, 'n', sizeof info.name - 1);
	memset(info.description, 'd', sizeof info.description - 1);
	memset(info.filter, 'f', sizeof info.filter - 1);
	memset(info.hardware, 'h', sizeof info.hardware - 1);
	memset(info.os, 'o', sizeof info.os - 1);
	info.addr_count = IFACE_ADDRS;
	for (unsigned i = 0; i < IFACE_ADDRS; i++)
		info.addrs[i].family = 6;
	CHECK_EQ(pcapng_put_interface(block, &info), 908);
}

static void test_masks(void)
{
	static const struct {
		uint8_t prefix;
		uint32_t mask;
	} cases[] = {
		{ 0, 0 },           { 1, 0x80000000 },  { 24, 0xFFFFFF00 },
		{ 32, 0xFFFFFFFF }, { 99, 0xFFFFFFFF },
	};
	struct iface_info info;
	uint8_t block[PCAPNG_INTERFACE_MAX];
	uint16_t size;

	fill(&info);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		info.addrs[0].prefix = cases[i].prefix;
		const uint8_t *value =
			find(block, pcapng_put_interface(block, &info), 16, 4, &size);
		CHECK(value && get_u32be(value + 4) == cases[i].mask);
	}
}

static void test_stats(void)
{
	struct pcapng_stats s = { .iface_id = 3,
				  .ns = INT64_C(0x187a7727635d4315),
				  .start_ns = 5,
				  .end_ns = INT64_C(0x100000002),
				  .received = 77,
				  .dropped = 4,
				  .has_dropped = true };
	uint8_t block[PCAPNG_STATS_MAX];
	const uint8_t *value;
	uint16_t size;

	CHECK_EQ(pcapng_put_stats(block, &s), PCAPNG_STATS_MAX);
	CHECK_EQ(get_u32le(block + 8), 3);
	CHECK_EQ(get_u32le(block + 12), 0x187a7727);
	CHECK_EQ(get_u32le(block + 16), 0x635d4315);
	value = find(block, sizeof block, 20, 3, &size);
	CHECK(value && get_u32le(value) == 1 && get_u32le(value + 4) == 2);
	value = find(block, sizeof block, 20, 5, &size);
	CHECK(value && get_u64le(value) == 4);
	s.has_dropped = false;
	CHECK_EQ(pcapng_put_stats(block, &s), PCAPNG_STATS_MAX - 12);
}

int main(void)
{
	RUN(test_section);
	RUN(test_section_text_is_bounded);
	RUN(test_interface);
	RUN(test_interface_largest);
	RUN(test_masks);
	RUN(test_stats);
	return tap_done();
}
