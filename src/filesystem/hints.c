#include "filesystem/hints.h"

#include "filesystem/text.h"
#include "filesystem/when.h"

#include <sys/stat.h>

enum {
	MONTH_S = 30 * 86400,
	NEAR_INODES = 8
};

static const struct {
	const char *name, *reason, *innocent;
	unsigned weight; /* percent: how rare it is on a healthy machine */
} rows[HINT_COUNT] = {
	{ "copied", "modified before it was born",
	  "copied or unpacked with its times kept (cp -p, tar, packages, git)", 10 },
	{ "round_time", "modified or accessed without a fraction while changed has one",
	  "unpacked from an archive or set by touch with whole seconds", 40 },
	{ "changed_later", "changed more than 30 days after modified and born",
	  "permissions, owner, name or links were changed", 10 },
	{ "born_after_changed",
	  "born after it was last changed, which the system never writes",
	  "the clock was set back, or the volume is a restored image", 90 },
	{ "future", "a time lies behind the time of the listing",
	  "the clock was wrong, or the file comes from a machine whose clock is", 70 },
	{ "born_odd", "born far from those whose inodes are next to its own",
	  "the inode was used again after a removal", 30 },
	{ "same_time",
	  "modified and accessed are equal to the nanosecond, and are not its birth",
	  "both were set at once by a copying tool", 30 },
	{ "accessed_before_born", "accessed before it was born",
	  "copied with its times kept, or the clock was set back", 20 },
	{ "modified_after_changed", "modified lies behind changed",
	  "the time was set into the future of its day, or the clock was set back", 60 },
	{ "name_deceptive",
	  "the name has characters that do not show or that turn the writing",
	  "a language written from right to left, or a program's mistake", 50 },
	{ "shared_time", "modified is equal to a neighbour's to the nanosecond",
	  "both came from one package, archive or build", 20 },
};

void hints_begin(struct neighbours *n, struct file_time now)
{
	n->now = now;
	n->count = n->modified_count = 0;
	n->weighed = 0;
	memset(n->hits, 0, sizeof n->hits);
}

void hints_add(struct neighbours *n, const struct file_meta *m)
{
	if (!S_ISREG(m->mode) || !(m->have & FILE_HAVE_MTIME) ||
	    n->modified_count == HINTS_BATCH)
		return;
	n->by_modified[n->modified_count++] = m->mtime;
	if (!(m->have & FILE_HAVE_BTIME))
		return;
	n->by_inode[n->count].inode = m->inode;
	n->by_inode[n->count].born = m->btime;
	n->by_inode[n->count++].modified = m->mtime;
}

static int compare_inode(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static int compare_time(const void *a, const void *b)
{
	struct file_time x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return when_compare(x, y);
}

void hints_finish(struct neighbours *n)
{
	qsort(n->by_inode, n->count, sizeof n->by_inode[0], compare_inode);
	qsort(n->by_modified, n->modified_count, sizeof n->by_modified[0], compare_time);
}

/* Another neighbour has the same time, with a fraction that no two writes share by chance. */
static bool is_shared(const struct neighbours *n, struct file_time t)
{
	size_t low = 0, high = n->modified_count;

	if (!t.ns)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (when_compare(n->by_modified[middle], t) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1 < n->modified_count && !when_compare(n->by_modified[low + 1], t);
}

/* Both inodes beside it, within a few numbers, were born within a day of each other and more than
 * 30 days from it. */
static bool is_born_odd(const struct neighbours *n, const struct file_meta *m)
{
	size_t low = 0, high = n->count;
	int64_t before, behind;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->by_inode[middle].inode < m->inode)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || low + 1 >= n->count ||
	    m->inode - n->by_inode[low - 1].inode > NEAR_INODES ||
	    n->by_inode[low + 1].inode - m->inode > NEAR_INODES)
		return false;
	before = n->by_inode[low - 1].born.s;
	behind = n->by_inode[low + 1].born.s;
	return llabs(before - behind) < 86400 && llabs(m->btime.s - before) > MONTH_S;
}

static bool is_deceptive(const char *name, size_t length)
{
	uint32_t point;

	if (name[length - 1] == ' ')
		return true;
	for (size_t i = 0; i < length;) {
		unsigned n = text_utf8((const uint8_t *)name + i, length - i, &point);

		if (!n || point < 0x20 || point == 0x7f ||
		    (point >= 0x80 && point < 0xa0) ||
		    (point >= 0x200b && point <= 0x200f) ||
		    (point >= 0x202a && point <= 0x202e) ||
		    (point >= 0x2066 && point <= 0x2069))
			return true;
		i += n;
	}
	return false;
}

static unsigned of_birth(const struct neighbours *n, const struct file_meta *m)
{
	unsigned h = 0;

	if (when_compare(m->mtime, m->btime) < 0)
		h |= HINT_COPIED;
	if (when_compare(m->btime, m->ctime) > 0)
		h |= HINT_BORN_AFTER_CHANGED;
	if (when_compare(m->btime, n->now) > 0)
		h |= HINT_FUTURE;
	if (when_compare(m->atime, m->btime) < 0)
		h |= HINT_ACCESSED_BEFORE_BORN;
	if (!when_compare(m->mtime, m->atime) && when_compare(m->mtime, m->btime) != 0)
		h |= HINT_SAME_TIME;
	if (m->ctime.s - m->mtime.s > MONTH_S && m->ctime.s - m->btime.s > MONTH_S)
		h |= HINT_CHANGED_LATER;
	if (is_born_odd(n, m))
		h |= HINT_BORN_ODD;
	return h;
}

static unsigned of_times(const struct neighbours *n, const struct file_meta *m)
{
	unsigned h = 0;

	if (!S_ISREG(m->mode) || !(m->have & FILE_HAVE_MTIME))
		return 0;
	if ((!m->mtime.ns || !m->atime.ns) && m->ctime.ns)
		h |= HINT_ROUND_TIME;
	if (when_compare(m->mtime, m->ctime) > 0)
		h |= HINT_MODIFIED_AFTER_CHANGED;
	if (when_compare(m->mtime, n->now) > 0 || when_compare(m->ctime, n->now) > 0)
		h |= HINT_FUTURE;
	if (is_shared(n, m->mtime))
		h |= HINT_SHARED_TIME;
	if (m->have & FILE_HAVE_BTIME)
		h |= of_birth(n, m);
	return h;
}

void hints_weigh(struct neighbours *n, const struct file_meta *m)
{
	unsigned h = of_times(n, m);

	n->weighed += S_ISREG(m->mode);
	for (unsigned i = 0; h; i++, h >>= 1)
		n->hits[i] += h & 1;
}

void hints_of(const struct neighbours *n, const struct file_meta *m, const char *name,
	      size_t length, struct hint_findings *f)
{
	unsigned others = n->weighed ? n->weighed - 1 : 0;

	f->bits = of_times(n, m);
	if (length && is_deceptive(name, length))
		f->bits |= HINT_NAME_DECEPTIVE;
	for (unsigned i = 0; i < HINT_COUNT; i++) {
		unsigned with = n->hits[i] ? n->hits[i] - 1 : 0;

		if (f->bits >> i & 1)
			f->share[i] = (uint8_t)(others ? with * 100 / others : 0);
	}
}

char *hints_json(struct out *o, char *p, const struct hint_findings *f)
{
	bool is_first = true;

	p = out_room(o, p, 8192);
	if (!p)
		return NULL;
	p = TEXT_LIT(p, ",\"hints\":[");
	for (unsigned i = 0; i < HINT_COUNT; i++) {
		if (!(f->bits & 1U << i))
			continue;
		if (!is_first)
			*p++ = ',';
		is_first = false;
		p = TEXT_LIT(p, "{\"hint\":\"");
		p = text_bytes(p, rows[i].name, strlen(rows[i].name));
		/* What all neighbours share says little: a whole package was unpacked here. */
		p = TEXT_LIT(p, "\",\"weight_percent\":");
		p = text_u64(p, (rows[i].weight * (100U - f->share[i]) + 50) / 100);
		p = TEXT_LIT(p, ",\"share_percent\":");
		p = text_u64(p, f->share[i]);
		p = TEXT_LIT(p, ",\"reason\":\"");
		p = text_bytes(p, rows[i].reason, strlen(rows[i].reason));
		p = TEXT_LIT(p, "\",\"innocent\":\"");
		p = text_bytes(p, rows[i].innocent, strlen(rows[i].innocent));
		p = TEXT_LIT(p, "\"}");
	}
	*p++ = ']';
	return out_room(o, p, 4096);
}

char *hints_words(char *p, unsigned hints)
{
	char *start = p;

	for (unsigned i = 0; i < HINT_COUNT; i++) {
		if (!(hints & 1U << i))
			continue;
		if (p > start)
			*p++ = ' ';
		p = text_bytes(p, rows[i].name, strlen(rows[i].name));
	}
	return p;
}
