/* Texts of /proc, events of the rings, messages of sock_diag and of addresses: whatever they hold,
 * nothing outside of them is read, and what comes out is within its bounds. */
#include "process/addresses.h"
#include "process/events.h"
#include "process/facts.h"
#include "process/scan.h"

#include <assert.h>
#include <linux/rtnetlink.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_texts(const char *text, size_t length)
{
	char path[64], id[CONTAINER_ID];
	struct proc_stat s;
	uint32_t uid, gid;

	if (proc_stat_parse(&s, text, length))
		assert(memchr(s.name, 0, sizeof s.name));
	(void)proc_ids_parse(text, length, &uid, &gid);
	proc_cgroup_parse(text, length, path, sizeof path, id);
	assert(memchr(path, 0, sizeof path));
	assert(!id[0] || strlen(id) == CONTAINER_ID - 1);
}

static void try_events(const uint8_t *data, size_t size)
{
	struct socket_event s;
	struct process_event p;

	if (socket_event_read(&s, data, size))
		assert(strlen(s.comm) < sizeof s.comm);
	if (process_event_read(&p, data, size)) {
		assert(strlen(p.path) < sizeof p.path);
		assert(p.args_length <= sizeof p.args);
	}
}

static void try_messages(const uint8_t *data, size_t size)
{
	static struct addresses a;
	struct nl_message m = { .type = RTM_NEWADDR };
	struct socket_seed seed;
	uint32_t inode;

	cur_init(&m.body, data, size);
	if (scan_parse(&m, 6, &seed, &inode))
		assert(inode && (seed.key.family == 4 || seed.key.family == 6));
	a.count = 0;
	addresses_take(&a, &m);
	assert(a.count <= ADDRESSES_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_texts((const char *)data, size);
	try_events(data, size);
	try_messages(data, size);
	return 0;
}
