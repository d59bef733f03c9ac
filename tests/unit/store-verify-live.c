/* store_verify() beside a recorder that removes segments, or begins: no fault, at whatever moment. */
#include "lib/verified-store.h"

#include <stdatomic.h>

/* A store is checked while retention takes its segments: no fault, at whatever moment. */
static void live_with_retention(enum store_layout layout)
{
	struct weir_error err = { 0 };
	unsigned faults = 0;

	driver_init(&d);
	d.config.layout = layout;
	d.config.rotate_bytes = 20000;
	d.config.keep_bytes = 60000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 40 && !faults; i++) {
		CHECK_EQ(driver_write(&d, 80, T0 + i * NS_PER_S, 100), 0);
		faults += store_verify(d.path, &check, &err) != 0;
		CHECK(check.is_live);
		CHECK_STR(check.fault, "");
	}
	CHECK_EQ(faults, 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	/* Those that are there, and apart from them those that went. */
	CHECK_EQ(check.removed, count_lines(d.path, "removed"));
	CHECK_EQ(check.removed + check.segments, count_lines(d.path, "segment"));
	CHECK(check.removed > 0 && check.segments > 0);
	driver_fini(&d);
}

static void test_live_with_retention(void)
{
	live_with_retention(STORE_SEGMENTS);
	live_with_retention(STORE_FILES);
}

static atomic_bool is_ending;

/* Verifies without a pause; how often that was no good. */
static void *verify_again_and_again(void *bad)
{
	struct store_check one;
	struct weir_error err;

	while (!atomic_load(&is_ending))
		if (store_verify(d.path, &one, &err)) {
			printf("# %s\n", one.fault);
			++*(unsigned *)bad;
		}
	return NULL;
}

/* A store is gone on with while it is verified: neither is in the other's way. */
static void test_going_on_meanwhile(void)
{
	struct port_thread *thread;
	unsigned bad = 0, refused = 0;
	struct weir_error err;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 500, T0, 1000), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(port_thread_start(&thread, "verify", verify_again_and_again, &bad, NULL),
		 0);
	d.config.is_continued = true;
	for (unsigned i = 0; i < 10; i++) {
		iface_table_free(d.ifaces);
		d.ifaces = iface_table_new();
		CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
		if (driver_start(&d, &err)) {
			refused++;
			continue;
		}
		CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
		CHECK_EQ(driver_write(&d, 500, T0, 1000), 0);
		CHECK_EQ(driver_close(&d, NULL), 0);
	}
	atomic_store(&is_ending, true);
	port_thread_join(thread);
	CHECK_EQ(refused, 0);
	CHECK_EQ(bad, 0);
	driver_fini(&d);
}

int main(void)
{
	RUN(test_live_with_retention);
	RUN(test_going_on_meanwhile);
	return tap_done();
}
