/* How WinDivert.dll is used, against the genuine one, with our stand-in driver (driver.c) below it.
 *
 * driver-client FOLDER: where WinDivert.dll, the driver, in.bin and out.bin are. */
#include "windivert.h"

#include "lib/tap.h"

enum {
	PACKETS = 2500,
	PACKET_MAX = 1500,
	ROOM = WD_BATCH_MAX * PACKET_MAX,
	FLIGHTS = 4,
};

int weir_main(int argc, char **argv);

static struct windivert w;
static const char *folder;

static struct packet {
	uint32_t length, word, if_idx, sub_if_idx;
	uint8_t bytes[PACKET_MAX];
} packets[PACKETS];

static uint8_t buffers[FLIGHTS][ROOM];
static struct wd_address addresses[FLIGHTS][WD_BATCH_MAX];

static FILE *open_in(const char *name, const char *mode)
{
	char path[600];

	(void)snprintf(path, sizeof path, "%s\\%s", folder, name);
	return fopen(path, mode);
}

/* Of all lengths; both versions; each flag of an address. */
static void make_packets(void)
{
	uint64_t state = 8;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct packet *p = &packets[i];
		bool is_6 = i % 3 == 1;
		uint32_t least = is_6 ? 40 : 20, rest;

		state = state * 6364136223846793005u + 1442695040888963407u;
		p->length = least + (uint32_t)(state >> 33) % (PACKET_MAX - least + 1);
		p->word = (uint32_t)(state >> 20) & 0xff0000 & ~(uint32_t)WD_SNIFFED;
		p->if_idx = i % 7;
		p->sub_if_idx = i % 5;
		for (uint32_t k = 0; k < p->length; k++)
			p->bytes[k] = (uint8_t)(i + k * (k >> 3));
		rest = is_6 ? p->length - 40 : p->length;
		p->bytes[0] = is_6 ? 0x60 : 0x45;
		p->bytes[is_6 ? 7 : 8] |= 2; /* to live on as an impostor */
		p->bytes[is_6 ? 4 : 2] = (uint8_t)(rest >> 8);
		p->bytes[is_6 ? 5 : 3] = (uint8_t)rest;
	}
}

/* window: how many come before one is sent back; 0: all. */
static bool write_input(uint32_t window)
{
	uint32_t head[2] = { window, 0 };
	FILE *f = open_in("in.bin", "wb");
	bool ok = f && fwrite(head, sizeof head, 1, f) == 1;
	FILE *out = open_in("out.bin", "wb"); /* emptied */

	for (unsigned i = 0; ok && i < PACKETS; i++)
		ok = fwrite(&packets[i], 16 + packets[i].length, 1, f) == 1;
	if (f && fclose(f))
		ok = false;
	return ok && out && !fclose(out);
}

static HANDLE opened(uint64_t flags)
{
	HANDLE h = w.open("true", 0, 0, flags);

	if (h == INVALID_HANDLE_VALUE)
		printf("# WinDivertOpen: error %lu\n", (unsigned long)GetLastError());
	return h;
}

/* `count` packets from the first on are what a call put there. */
static unsigned count_wrong(unsigned first, unsigned count, const uint8_t *bytes,
			    unsigned length, const struct wd_address *a, uint32_t more)
{
	unsigned wrong = 0;
	size_t at = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct packet *p = &packets[first + i];

		if (at + p->length > length)
			return wrong + 1;
		wrong += memcmp(bytes + at, p->bytes, p->length) != 0 ||
			 a[i].word != (p->word | more) || a[i].timestamp <= 0 ||
			 memcmp(a[i].rest, &p->if_idx, 8) != 0;
		at += p->length;
	}
	return wrong + (at != length);
}

static void test_open(void)
{
	HANDLE h;

	CHECK(write_input(0));
	h = opened(0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(w.close(h));
	CHECK(w.open("tcp and", 0, 0, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(w.open("true", 0, 30001, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(w.open("true", 0, 0, 64) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(w.open("true", 0, 0, 3) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void test_params(void)
{
	static const uint64_t first[] = { 4096, 2000, 4194304, 2, 2 };
	static const uint64_t most[] = { 16384, 16000, 33554432 };
	HANDLE h = opened(0);
	uint64_t value;

	for (int i = 0; i < 5; i++) {
		value = 0;
		CHECK(w.get_param(h, i, &value));
		CHECK_EQ(value, first[i]);
	}
	for (int i = 0; i < 3; i++) {
		CHECK(w.set_param(h, i, most[i]));
		CHECK(!w.set_param(h, i, most[i] + 1));
		CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
		CHECK(w.get_param(h, i, &value));
		CHECK_EQ(value, most[i]);
	}
	CHECK(w.close(h));
}

static void test_single(void)
{
	HANDLE h = opened(WD_FLAG_SNIFF | WD_FLAG_RECV_ONLY);
	unsigned wrong = 0, n;

	for (unsigned i = 0; i < 200; i++) {
		n = 0;
		wrong += !w.recv(h, buffers[0], PACKET_MAX, &n, addresses[0]) ||
			 count_wrong(i, 1, buffers[0], n, addresses[0], WD_SNIFFED);
	}
	CHECK_EQ(wrong, 0);
	CHECK(!w.send(h, packets[0].bytes, packets[0].length, &n, addresses[0]));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!w.recv(h, buffers[0], 10, &n, addresses[0]));
	CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
	/* What did not fit is gone. */
	CHECK(w.recv(h, buffers[0], PACKET_MAX, &n, addresses[0]));
	CHECK_EQ(count_wrong(201, 1, buffers[0], n, addresses[0], WD_SNIFFED), 0);
	CHECK(w.close(h));
	h = opened(WD_FLAG_SEND_ONLY);
	CHECK(!w.recv(h, buffers[0], PACKET_MAX, &n, addresses[0]));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(w.close(h));
}

/* Batches of 1 to 255, to the end after a shutdown. */
static void test_batches(void)
{
	HANDLE h = opened(WD_FLAG_SNIFF | WD_FLAG_RECV_ONLY);
	unsigned got = 0, wrong = 0, batch = 0;

	CHECK(w.shutdown(h, WD_SHUTDOWN_RECV));
	for (;;) {
		unsigned room, n = 0;

		batch = batch % WD_BATCH_MAX + 1;
		room = batch * WD_ADDRESS_BYTES;
		if (!w.recv_ex(h, buffers[0], batch * PACKET_MAX, &n, 0, addresses[0],
			       &room, NULL))
			break;
		wrong += room > batch * WD_ADDRESS_BYTES || room % WD_ADDRESS_BYTES ||
			 !room;
		room /= WD_ADDRESS_BYTES;
		wrong += got + room > PACKETS ||
			 count_wrong(got, room, buffers[0], n, addresses[0], WD_SNIFFED);
		got += room;
	}
	CHECK_EQ(GetLastError(), ERROR_NO_DATA);
	CHECK_EQ(got, PACKETS);
	CHECK_EQ(wrong, 0);
	CHECK(w.close(h));
}

/* A buffer for less than the batch: whole packets only. */
static void test_little_room(void)
{
	HANDLE h = opened(WD_FLAG_SNIFF | WD_FLAG_RECV_ONLY);
	unsigned got = 0, wrong = 0;

	while (got < 300) {
		unsigned room = sizeof addresses[0], n = 0;

		if (!w.recv_ex(h, buffers[0], 4000, &n, 0, addresses[0], &room, NULL))
			break;
		room /= WD_ADDRESS_BYTES;
		wrong += !room ||
			 count_wrong(got, room, buffers[0], n, addresses[0], WD_SNIFFED);
		got += room;
	}
	CHECK(got >= 300);
	CHECK_EQ(wrong, 0);
	CHECK(w.close(h));
}

/* What was sent, in order, with its addresses: each packet, or each second one. */
static unsigned count_wrong_output(unsigned count, unsigned step)
{
	FILE *f = open_in("out.bin", "rb");
	unsigned wrong = !f;
	struct wd_address a;
	uint32_t n;

	for (unsigned i = 0; f && i < count; i++) {
		const struct packet *p = &packets[i * step];

		if (fread(&a, sizeof a, 1, f) != 1 || fread(&n, sizeof n, 1, f) != 1 ||
		    n > ROOM || fread(buffers[0], 1, n, f) != n) {
			wrong++;
			break;
		}
		wrong += count_wrong(i * step, 1, buffers[0], n, &a, 0);
		wrong += n != p->length;
	}
	wrong += f && fgetc(f) != EOF;
	if (f)
		(void)fclose(f);
	return wrong;
}

/* Taken and sent on: batches each way; the driver waits for what it gave. */
static void test_divert(void)
{
	unsigned got = 0, wrong = 0, sent = 0;
	HANDLE h;

	CHECK(write_input(64));
	h = opened(0);
	while (got < PACKETS) {
		unsigned room = sizeof addresses[0], n = 0, done = 0;

		if (!w.recv_ex(h, buffers[0], 64 * PACKET_MAX, &n, 0, addresses[0], &room,
			       NULL))
			break;
		wrong += room > 64 * WD_ADDRESS_BYTES;
		wrong += !w.send_ex(h, buffers[0], n, &done, 0, addresses[0], room, NULL);
		wrong += done != n;
		got += room / WD_ADDRESS_BYTES;
		sent += done == n ? room / WD_ADDRESS_BYTES : 0;
	}
	CHECK(w.shutdown(h, WD_SHUTDOWN_SEND));
	CHECK(!w.send(h, packets[0].bytes, packets[0].length, NULL, addresses[0]));
	CHECK_EQ(GetLastError(), ERROR_NO_DATA);
	CHECK(w.close(h));
	CHECK_EQ(got, PACKETS);
	CHECK_EQ(sent, PACKETS);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(count_wrong_output(PACKETS, 1), 0);
}

/* One of three is refused: the others are sent, and of how much that was nothing is told. */
static void test_refused(void)
{
	unsigned length = 0, done = 7;
	HANDLE h;

	CHECK(write_input(0));
	h = opened(0);
	for (unsigned i = 0; i < 3; i++) {
		const struct packet *p = &packets[i];

		memset(&addresses[0][i], 0, WD_ADDRESS_BYTES);
		addresses[0][i].timestamp = 1;
		addresses[0][i].word = p->word;
		memcpy(addresses[0][i].rest, &p->if_idx, 8);
		memcpy(buffers[0] + length, p->bytes, p->length);
		if (i == 1) {
			addresses[0][i].word |= WD_IMPOSTOR;
			buffers[0][length + 7] = 1; /* its hop limit: IPv6 */
		}
		length += p->length;
	}
	CHECK(!w.send_ex(h, buffers[0], length, &done, 0, addresses[0],
			 3 * WD_ADDRESS_BYTES, NULL));
	CHECK_EQ(GetLastError(), ERROR_HOST_UNREACHABLE);
	CHECK_EQ(done, 7);
	CHECK(w.close(h));
	CHECK_EQ(count_wrong_output(2, 2), 0);
}

struct flight {
	OVERLAPPED o;
	unsigned n, room;
	bool is_over;
};

static bool launch(HANDLE h, struct flight *f, unsigned i, unsigned batch)
{
	HANDLE event = f->o.hEvent;

	f->o = (OVERLAPPED){ .hEvent = event };
	f->room = batch * WD_ADDRESS_BYTES;
	f->n = 0;
	return w.recv_ex(h, buffers[i], batch * PACKET_MAX, &f->n, 0, addresses[i],
			 &f->room, &f->o) ||
	       GetLastError() == ERROR_IO_PENDING;
}

/* Several requests wait at once, and end in the order in which they were made. */
static void test_overlapped(void)
{
	struct flight flights[FLIGHTS] = { 0 };
	unsigned got = 0, wrong = 0, pended = 0, next = 0;
	HANDLE h;

	CHECK(write_input(16));
	h = opened(0);
	for (unsigned i = 0; i < FLIGHTS; i++) {
		flights[i].o.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
		wrong += !launch(h, &flights[i], i, 16);
	}
	while (got < PACKETS && !wrong) {
		struct flight *f = &flights[next];
		DWORD n = 0;
		unsigned done = 0, count;

		pended += !HasOverlappedIoCompleted(&flights[(next + 1) % FLIGHTS].o);
		if (!GetOverlappedResult(h, &f->o, &n, TRUE))
			break;
		count = f->room / WD_ADDRESS_BYTES;
		wrong += !count ||
			 count_wrong(got, count, buffers[next], n, addresses[next], 0);
		wrong += !w.send_ex(h, buffers[next], n, &done, 0, addresses[next],
				    f->room, NULL);
		got += count;
		wrong += !launch(h, f, next, 16);
		next = (next + 1) % FLIGHTS;
	}
	printf("# %u requests had to wait\n", pended);
	CHECK_EQ(got, PACKETS);
	CHECK_EQ(wrong, 0);
	CHECK(pended > 0);
	/* A shutdown ends those that wait. */
	CHECK(w.shutdown(h, WD_SHUTDOWN_RECV));
	for (unsigned i = 0; i < FLIGHTS; i++) {
		DWORD n;

		CHECK(!GetOverlappedResult(h, &flights[i].o, &n, TRUE));
		CHECK_EQ(GetLastError(), ERROR_NO_DATA);
		CHECK(CloseHandle(flights[i].o.hEvent));
	}
	CHECK(w.close(h));
	CHECK_EQ(count_wrong_output(PACKETS, 1), 0);
}

int weir_main(int argc, char **argv)
{
	folder = argc == 2 ? argv[1] : "";
	if (argc != 2 || !windivert_load(&w, folder)) {
		printf("# no WinDivert.dll in '%s': error %lu\nnot ok 1 - it loads\n1..1\n",
		       folder, (unsigned long)GetLastError());
		return 1;
	}
	make_packets();
	RUN(test_open);
	RUN(test_params);
	RUN(test_single);
	RUN(test_batches);
	RUN(test_little_room);
	RUN(test_divert);
	RUN(test_refused);
	RUN(test_overlapped);
	return tap_done();
}
