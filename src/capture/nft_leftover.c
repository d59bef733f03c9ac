#include "capture/nft_leftover.h"

#include "capture/nft_rule.h"
#include "port/port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the kernel's first pid namespace, PROC_PID_INIT_INO (include/linux/proc_ns.h). */
#define INITIAL_PIDNS UINT64_C(0xEFFFFFFC)

/* The 22nd word of /proc/PID/stat; the second is a name in brackets that may hold anything. */
static uint64_t start_of(uint32_t pid)
{
	char path[64], line[1024];
	uint64_t start = 0;
	const char *p;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	for (unsigned word = 2; p && word < 22; word++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (p)
		start = strtoull(p, NULL, 10);
	(void)fclose(f);
	return start;
}

/* A later process with its number has another start. */
static bool has_start(uint32_t pid, const struct nft_owner *o)
{
	uint64_t start = start_of(pid);

	return start != 0 && (!o->start || start == o->start);
}

static uint64_t pid_namespace(void)
{
	struct stat s;

	return stat("/proc/self/ns/pid", &s) ? 0 : s.st_ino;
}

void nft_comment_write(char *text, size_t size)
{
	uint32_t pid = (uint32_t)getpid();

	(void)snprintf(text, size,
		       "weir pid=%" PRIu32 " start=%" PRIu64 " pidns=%" PRIu64, pid,
		       start_of(pid), pid_namespace());
}

bool nft_comment_parse(const char *text, struct nft_owner *o)
{
	return sscanf(text, "weir pid=%" SCNu32 " start=%" SCNu64 " pidns=%" SCNu64,
		      &o->pid, &o->start, &o->pidns) == 3;
}

uint32_t nft_name_parse(const char *table, uint16_t *queue)
{
	uint32_t pid = 0;
	unsigned number;
	int end = 0;

	if (sscanf(table, "weir_%" SCNu32 "_%u%n", &pid, &number, &end) != 2 ||
	    table[end])
		return 0;
	*queue = (uint16_t)number;
	return pid;
}

/* From the initial pid namespace all processes are seen, unless /proc hides those of others. */
static bool sees_all(void)
{
	return pid_namespace() == INITIAL_PIDNS && !access("/proc/1/status", R_OK);
}

/* The number that a process has in the innermost of its namespaces, where that is none of ours; 0: it is
 * of ours, or has ended. */
static uint32_t inner_pid(const char *pid)
{
	char path[64], line[256];
	uint32_t inner = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!inner && fgets(line, sizeof line, f)) {
		const char *first = strchr(line, '\t'), *last = strrchr(line, '\t');

		if (!strncmp(line, "NSpid:", 6) && last != first)
			inner = (uint32_t)strtoul(last, NULL, 10);
	}
	(void)fclose(f);
	return inner;
}

/* A namespace that we may not look at may be the one that is meant. */
static bool may_be(const char *pid, const struct nft_owner *o)
{
	char path[64];
	struct stat s;

	(void)snprintf(path, sizeof path, "/proc/%.20s/ns/pid", pid);
	return (stat(path, &s) || s.st_ino == o->pidns) && inner_pid(pid) == o->pid &&
	       has_start((uint32_t)strtoul(pid, NULL, 10), o);
}

/* A process of another pid namespace: by all that there are. */
static bool is_alive_elsewhere(const struct nft_owner *o)
{
	DIR *all = opendir("/proc");
	const struct dirent *e;
	bool is_found = !all;

	while (!is_found && (e = readdir(all)) != NULL)
		is_found = isdigit((unsigned char)e->d_name[0]) && may_be(e->d_name, o);
	if (all)
		(void)closedir(all);
	return is_found;
}

/* Whose owner cannot be judged from here counts as alive. */
static void judge(struct nft_leftover *l, const struct nft_owner *o)
{
	if (!o->pidns || o->pidns == pid_namespace()) {
		l->is_alive = has_start(o->pid, o);
		return;
	}
	l->is_unjudged = !sees_all();
	l->is_alive = l->is_unjudged || is_alive_elsewhere(o);
}

struct listing {
	struct nft_leftover *list;
	size_t room, count;
};

static void read_comment(struct cursor data, struct nft_owner *owner)
{
	struct nft_owner parsed;
	char text[NFT_COMMENT];
	uint8_t type, length;
	const uint8_t *value;

	while (cur_left(&data)) {
		type = cur_u8(&data);
		length = cur_u8(&data);
		value = cur_bytes(&data, length);
		if (!value)
			return;
		(void)snprintf(text, sizeof text, "%.*s", (int)length,
			       (const char *)value);
		if (!type && nft_comment_parse(text, &parsed))
			*owner = parsed;
	}
}

static void visit_table(void *arg, const struct nl_message *m)
{
	struct nft_leftover left = { .table = "" };
	struct nft_owner owner = { 0 };
	uint16_t queue;
	struct listing *l = arg;
	struct cursor c = m->body, data = { 0 };
	struct nl_attr a;

	cur_skip(&c, 4);
	while (nl_next_attr(&c, &a)) {
		if (a.type == NFTA_TABLE_NAME)
			nl_attr_text(&a, left.table, sizeof left.table);
		if (a.type == NFTA_TABLE_FLAGS)
			left.is_owned = cur_u32be(&a.body) & NFT_TABLE_F_OWNER;
		if (a.type == NFTA_TABLE_USERDATA)
			data = a.body;
	}
	owner.pid = nft_name_parse(left.table, &queue);
	if (!owner.pid)
		return;
	read_comment(data, &owner);
	left.pid = owner.pid;
	judge(&left, &owner);
	if (l->count < l->room)
		l->list[l->count] = left;
	l->count++;
}

int nft_list_leftovers(struct nft_leftover *list, size_t room, size_t *count,
		       struct weir_error *err)
{
	struct listing l = { .list = list, .room = room };
	uint8_t bytes[64];
	struct nl_builder b;
	int fd, rc = nl_open(NETLINK_NETFILTER, &fd, err);

	*count = 0;
	if (rc)
		return rc;
	nl_build(&b, bytes, sizeof bytes, 0);
	nft_begin(&b, NFT_MSG_GETTABLE, NLM_F_DUMP);
	nl_end(&b);
	errno = nl_transact(fd, &b, NULL, NULL, visit_table, &l);
	if (errno)
		rc = err_sys(err, "cannot list nf_tables tables");
	(void)close(fd);
	*count = l.count;
	return rc;
}

#define LEFTOVERS 256

/* The table as it is now: 0 and *found, or WEIR_ERR_ABSENT. */
static int look_again(const char *table, struct nft_leftover *found,
		      struct weir_error *err)
{
	struct nft_leftover list[LEFTOVERS];
	size_t count;
	int rc = nft_list_leftovers(list, LEFTOVERS, &count, err);

	for (size_t i = 0; !rc && i < count && i < LEFTOVERS; i++) {
		if (strcmp(list[i].table, table) != 0)
			continue;
		*found = list[i];
		return 0;
	}
	return rc ? rc : err_set(err, WEIR_ERR_ABSENT, "there is no table '%s'", table);
}

int nft_remove_leftover(const struct nft_leftover *leftover, struct weir_error *err)
{
	struct nft_leftover now = { .pid = 0 };
	struct nft *n;
	int rc = look_again(leftover->table, &now, err);

	if (rc)
		return rc;
	if (now.is_alive)
		return err_set(err, WEIR_ERR_BUSY,
			       "cannot remove table '%s': process %u is alive", now.table,
			       now.pid);
	rc = nft_open(&n, err);
	if (rc)
		return rc;
	rc = nft_remove(n, now.table, err);
	nft_close(n);
	return rc;
}
