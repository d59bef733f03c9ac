#include "filesystem/mounts.h"

#include "base/mem.h"

enum mount_kind mount_kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum mount_kind kind;
	} rows[] = {
		{ "proc", MOUNT_PSEUDO },        { "sysfs", MOUNT_PSEUDO },
		{ "cgroup", MOUNT_PSEUDO },      { "cgroup2", MOUNT_PSEUDO },
		{ "debugfs", MOUNT_PSEUDO },     { "tracefs", MOUNT_PSEUDO },
		{ "securityfs", MOUNT_PSEUDO },  { "bpf", MOUNT_PSEUDO },
		{ "pstore", MOUNT_PSEUDO },      { "efivarfs", MOUNT_PSEUDO },
		{ "configfs", MOUNT_PSEUDO },    { "fusectl", MOUNT_PSEUDO },
		{ "mqueue", MOUNT_PSEUDO },      { "devpts", MOUNT_PSEUDO },
		{ "binfmt_misc", MOUNT_PSEUDO }, { "nsfs", MOUNT_PSEUDO },
		{ "rpc_pipefs", MOUNT_PSEUDO },  { "selinuxfs", MOUNT_PSEUDO },
		{ "smackfs", MOUNT_PSEUDO },     { "cpuset", MOUNT_PSEUDO },
		{ "resctrl", MOUNT_PSEUDO },     { "nfsd", MOUNT_PSEUDO },
		{ "binder", MOUNT_PSEUDO },      { "nfs", MOUNT_NETWORK },
		{ "nfs4", MOUNT_NETWORK },       { "cifs", MOUNT_NETWORK },
		{ "smb3", MOUNT_NETWORK },       { "smbfs", MOUNT_NETWORK },
		{ "ceph", MOUNT_NETWORK },       { "9p", MOUNT_NETWORK },
		{ "virtiofs", MOUNT_NETWORK },   { "afs", MOUNT_NETWORK },
		{ "ncpfs", MOUNT_NETWORK },      { "coda", MOUNT_NETWORK },
		{ "lustre", MOUNT_NETWORK },     { "gfs2", MOUNT_NETWORK },
		{ "ocfs2", MOUNT_NETWORK },      { "glusterfs", MOUNT_NETWORK },
		{ "davfs", MOUNT_NETWORK },      { "orangefs", MOUNT_NETWORK },
		{ "vboxsf", MOUNT_NETWORK },     { "vmhgfs", MOUNT_NETWORK },
		{ "autofs", MOUNT_FUSE },        { "fuseblk", MOUNT_FUSE },
		{ "fuse", MOUNT_FUSE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].type, type))
			return rows[i].kind;
	return strncmp(type, "fuse.", 5) ? MOUNT_LOCAL : MOUNT_FUSE;
}

const char *mount_kind_name(enum mount_kind kind)
{
	static const char *const names[] = { "local", "pseudo", "network", "fuse" };

	return names[kind];
}

/* Ends the word at *p with NUL, decodes \ooo in place, moves *p behind it. */
static const char *take_word(char **p)
{
	char *word = *p, *to = word, *from = word;

	while (*from && *from != ' ') {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
		    from[3] <= '7') {
			char c = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
					(from[3] - '0'));

			*to++ = c ? c : '?';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*p = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static bool parse_row(char *line, struct mount_row *r)
{
	char *p = line, *end;
	const char *numbers;

	r->id = strtoull(take_word(&p), NULL, 10);
	r->parent = strtoull(take_word(&p), NULL, 10);
	numbers = take_word(&p);
	r->dev_major = (unsigned)strtoul(numbers, &end, 10);
	if (*end != ':')
		return false;
	r->dev_minor = (unsigned)strtoul(end + 1, NULL, 10);
	r->root = take_word(&p);
	r->point = take_word(&p);
	r->options = take_word(&p);
	/* Optional words up to a lone dash. */
	while (*p && strcmp(take_word(&p), "-") != 0)
		;
	r->type = take_word(&p);
	r->source = take_word(&p);
	r->super_options = take_word(&p);
	r->kind = mount_kind_of(r->type);
	return r->point[0] == '/' && r->type[0];
}

/* Whether the path, n bytes, is the other one or above it. */
static bool leads_to(const char *path, size_t n, const char *other)
{
	return !strncmp(path, other, n) && (n == 1 || !other[n] || other[n] == '/');
}

/* Whether t lies over r or on the way from their common mount to r.  A mount over "/" is in nobody's
 * way: a path begins below it, in the root that the process has. */
static bool is_in_way(const struct mount_row *t, const struct mount_row *r)
{
	size_t n = strlen(t->point);

	if (t == r || t->parent != r->parent || n == 1 ||
	    !leads_to(t->point, n, r->point))
		return false;
	return r->point[n] || t > r;
}

static bool is_cut_off(const struct mounts *m, const struct mount_row *r)
{
	const struct mount_row *below = mounts_find(m, r->parent);

	if (below && below != r && (below->is_cut_off || !r->point[1]))
		return true;
	for (size_t i = 0; i < m->count; i++)
		if (is_in_way(&m->rows[i], r))
			return true;
	return false;
}

static bool has_upon(const struct mounts *m, const struct mount_row *r)
{
	for (size_t i = 0; i < m->count && r->point[1]; i++)
		if (m->rows[i].parent == r->id && &m->rows[i] != r &&
		    !strcmp(m->rows[i].point, r->point))
			return true;
	return false;
}

/* The table has mounts that no path leads to any more, in any order: what is cut off cuts off what
 * lies on it, until nothing changes. */
static void find_hidden(struct mounts *m)
{
	bool is_changed = true;

	while (is_changed) {
		is_changed = false;
		for (size_t i = 0; i < m->count; i++) {
			struct mount_row *r = &m->rows[i];

			if (r->is_cut_off || !is_cut_off(m, r))
				continue;
			r->is_cut_off = is_changed = true;
		}
	}
	for (size_t i = 0; i < m->count; i++)
		m->rows[i].is_hidden = m->rows[i].is_cut_off || has_upon(m, &m->rows[i]);
}

int mounts_parse(struct mounts *m, char *text, size_t length)
{
	size_t lines = 1;
	int bad = 0;
	char *line = text, *next;

	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	*m = (struct mounts){ .text = text, .rows = mem_new(lines, sizeof *m->rows) };
	if (!m->rows) {
		mounts_fini(m);
		return WEIR_ERR_NO_MEMORY;
	}
	for (; *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		else
			next = line + strlen(line);
		if (parse_row(line, &m->rows[m->count]))
			m->count++;
		else
			bad++;
	}
	find_hidden(m);
	return bad;
}

void mounts_fini(struct mounts *m)
{
	mem_free(m->rows);
	mem_free(m->text);
	*m = (struct mounts){ .count = 0 };
}

const struct mount_row *mounts_find(const struct mounts *m, uint64_t id)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->rows[i].id == id)
			return &m->rows[i];
	return NULL;
}

const struct mount_row *mounts_at(const struct mounts *m, const char *point)
{
	for (size_t i = 0; i < m->count; i++)
		if (!m->rows[i].is_hidden && !strcmp(m->rows[i].point, point))
			return &m->rows[i];
	return NULL;
}

const struct mount_row *mounts_over(const struct mounts *m, const char *path)
{
	const struct mount_row *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < m->count; i++) {
		const char *point = m->rows[i].point;
		size_t n = strlen(point);

		if (n <= longest || m->rows[i].is_hidden || !leads_to(point, n, path))
			continue;
		best = &m->rows[i];
		longest = n;
	}
	return best;
}
