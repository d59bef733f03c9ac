#include "filesystem/select.h"

#include "base/mem.h"
#include "base/time.h"
#include "filesystem/when.h"

#include <sys/stat.h>

#define KNOWN_LIMIT ((size_t)1 << 30)

int select_parse_types(struct selection *s, const char *text, struct weir_error *err)
{
	static const struct {
		char letter;
		uint32_t type;
	} rows[] = {
		{ 'f', S_IFREG },  { 'd', S_IFDIR }, { 'l', S_IFLNK }, { 'p', S_IFIFO },
		{ 's', S_IFSOCK }, { 'c', S_IFCHR }, { 'b', S_IFBLK },
	};

	s->types = 0;
	while (*text) {
		size_t n = strcspn(text, ","), i;

		for (i = 0; i < ARRAY_LEN(rows); i++) {
			const char *name = record_type_name(rows[i].type);

			if ((n == 1 && *text == rows[i].letter) ||
			    (n == strlen(name) && !memcmp(text, name, n)))
				break;
		}
		if (i == ARRAY_LEN(rows))
			return err_set(err, WEIR_ERR_USAGE,
				       "unknown type '%.*s': f, d, l, p, s, c or b",
				       (int)(n < 40 ? n : 40), text);
		s->types |= 1U << (rows[i].type >> 12);
		text += n + (text[n] == ',');
	}
	return 0;
}

static int turned_round(const char *text, struct weir_error *err)
{
	return err_set(err, WEIR_ERR_USAGE, "'%.60s': the range ends before it begins",
		       text);
}

/* Splits "A..B" into two texts; either may be empty.  False where there is no "..". */
static bool split_range(const char *text, char from[64], char to[64])
{
	const char *dots = strstr(text, "..");

	if (!dots || dots - text >= 64 || strlen(dots + 2) >= 64)
		return false;
	memcpy(from, text, (size_t)(dots - text));
	from[dots - text] = '\0';
	memcpy(to, dots + 2, strlen(dots + 2) + 1);
	return true;
}

int select_parse_size(struct selection *s, const char *text, struct weir_error *err)
{
	char from[64], to[64];
	int rc;

	s->has_size = true;
	s->size_min = 0;
	s->size_max = UINT64_MAX;
	if (!split_range(text, from, to)) {
		rc = size_parse(text, &s->size_min, err);
		s->size_max = s->size_min;
		return rc;
	}
	rc = *from ? size_parse(from, &s->size_min, err) : 0;
	if (!rc && *to)
		rc = size_parse(to, &s->size_max, err);
	return !rc && s->size_max < s->size_min ? turned_round(text, err) : rc;
}

int select_parse_time(struct selection *s, enum select_time which, const char *text,
		      struct weir_error *err)
{
	char from[64], to[64];
	int64_t ns;
	int rc;

	if (!split_range(text, from, to))
		return err_set(
			err, WEIR_ERR_USAGE,
			"'%.60s' is no range of times: expected FROM..TO, FROM.. or ..TO",
			text);
	s->has_time[which] = true;
	s->from[which] = (struct file_time){ .s = INT64_MIN };
	s->to[which] = (struct file_time){ .s = INT64_MAX };
	if (*from) {
		rc = time_parse(from, &ns, err);
		if (rc)
			return rc;
		s->from[which] = when_of_ns(ns);
	}
	if (*to) {
		rc = time_parse(to, &ns, err);
		if (rc)
			return rc;
		s->to[which] = when_of_ns(ns);
	}
	return when_compare(s->to[which], s->from[which]) < 0 ? turned_round(text, err)
							      : 0;
}

static int compare_known(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct known_hash));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The hash at the line's start; false where there is none. */
static bool parse_known(const char *line, struct known_hash *k)
{
	size_t digits = 0, i;
	unsigned kind;

	while (hex_value(line[digits]) >= 0)
		digits++;
	for (kind = 0; kind < DIGEST_KINDS; kind++)
		if (digits == 2 * (size_t)digest_bytes(kind))
			break;
	if (kind == DIGEST_KINDS)
		return false;
	memset(k, 0, sizeof *k);
	k->kind = (uint8_t)kind;
	for (i = 0; i < digits / 2 && i < sizeof k->bytes; i++)
		k->bytes[i] = (uint8_t)((unsigned)hex_value(line[2 * i]) << 4 |
					(unsigned)hex_value(line[2 * i + 1]));
	return true;
}

int select_load_known(struct selection *s, const char *path, bool want_known,
		      struct weir_error *err)
{
	size_t length, lines = 1;
	char *text, *line, *next;
	int rc = port_file_read(path, KNOWN_LIMIT, &text, &length, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	s->known = mem_new(lines, sizeof *s->known);
	for (line = text; s->known && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : line + strlen(line);
		if (parse_known(line, &s->known[s->known_count])) {
			s->known_kinds |= 1U << s->known[s->known_count].kind;
			s->known_count++;
		}
	}
	mem_free(text);
	if (!s->known)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the hashes of '%s'", path);
	if (!s->known_count)
		return err_set(err, WEIR_ERR_FORMAT,
			       "'%s' has no line that begins with a hash in hex", path);
	s->want_known = want_known;
	qsort(s->known, s->known_count, sizeof *s->known, compare_known);
	return 0;
}

void select_fini(struct selection *s)
{
	mem_free(s->known);
	s->known = NULL;
	s->known_count = 0;
	s->known_kinds = 0;
}

static bool in_time(const struct selection *s, enum select_time which, bool has,
		    struct file_time t)
{
	if (!s->has_time[which])
		return true;
	return has && when_compare(t, s->from[which]) >= 0 &&
	       when_compare(t, s->to[which]) <= 0;
}

bool select_is_open(const struct selection *s)
{
	bool is_open = !s->types && !s->has_size && !s->has_uid && !s->has_gid;

	for (unsigned i = 0; i < SELECT_TIMES; i++)
		is_open = is_open && !s->has_time[i];
	return is_open;
}

bool select_entry(const struct selection *s, const struct record *r)
{
	const struct file_meta *m = &r->meta;

	if (s->types && !(s->types & 1U << (record_type(r) >> 12)))
		return false;
	if (select_is_open(s))
		return true;
	if (!r->has_meta) /* the type, if that alone was asked, is the directory's word */
		return !s->has_size && !s->has_uid && !s->has_gid &&
		       !s->has_time[SELECT_BORN] && !s->has_time[SELECT_MODIFIED] &&
		       !s->has_time[SELECT_CHANGED] && !s->has_time[SELECT_ACCESSED];
	if (s->has_size && (m->size_bytes < s->size_min || m->size_bytes > s->size_max))
		return false;
	if ((s->has_uid && m->uid != s->uid) || (s->has_gid && m->gid != s->gid))
		return false;
	return in_time(s, SELECT_BORN, m->have & FILE_HAVE_BTIME, m->btime) &&
	       in_time(s, SELECT_MODIFIED, m->have & FILE_HAVE_MTIME, m->mtime) &&
	       in_time(s, SELECT_CHANGED, m->have & FILE_HAVE_CTIME, m->ctime) &&
	       in_time(s, SELECT_ACCESSED, m->have & FILE_HAVE_ATIME, m->atime);
}

bool select_digests(const struct selection *s, const struct digests *d)
{
	bool is_known = false;

	if (!s->known)
		return true;
	for (unsigned i = 0; d && i < DIGEST_KINDS; i++) {
		struct known_hash k;
		unsigned n = digest_bytes(i);

		if (!(d->kinds & 1U << i))
			continue;
		memset(&k, 0, sizeof k);
		k.kind = (uint8_t)i;
		memcpy(k.bytes, d->value[i], n < sizeof k.bytes ? n : sizeof k.bytes);
		is_known |= bsearch(&k, s->known, s->known_count, sizeof k,
				    compare_known) != NULL;
	}
	return is_known == s->want_known;
}
