#include "filesystem/pattern.h"

#include "base/mem.h"

/* One component of one alternative; bit i of a state means "component i comes next". */
struct component {
	const char *text; /* between slashes, braces gone */
	size_t length;
	bool is_any_depth; /* ** */
	bool is_last;      /* of its alternative */
};

struct pattern {
	struct component components[PATTERN_COMPONENTS];
	size_t count;
	uint64_t start;
	bool is_case_blind, is_deep;
	char *texts[PATTERN_COMPONENTS]; /* the alternatives */
	size_t text_count;
};

static uint8_t fold(const struct pattern *p, uint8_t c)
{
	return p->is_case_blind && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* "[...]" at t, whose length is *used; false in *is_set where it is no set but a plain bracket. */
static bool match_set(const struct pattern *p, const char *t, size_t length, uint8_t c,
		      size_t *used, bool *is_set)
{
	bool is_not = length > 1 && (t[1] == '!' || t[1] == '^'), hit = false;
	size_t i = is_not ? 2 : 1, first = i;

	c = fold(p, c);
	for (; i < length && (t[i] != ']' || i == first); i++) {
		uint8_t low = fold(p, (uint8_t)t[i]), high = low;

		if (i + 2 < length && t[i + 1] == '-' && t[i + 2] != ']') {
			high = fold(p, (uint8_t)t[i + 2]);
			i += 2;
		}
		hit |= low <= c && c <= high;
	}
	*is_set = i < length;
	*used = i + 1;
	return hit != is_not;
}

/* One byte of a name against what stands at t; *used bytes of the pattern were read. */
static bool match_one(const struct pattern *p, const char *t, size_t length, uint8_t c,
		      size_t *used)
{
	bool is_set = false, hit;

	*used = 1;
	if (*t == '?')
		return true;
	if (*t == '[') {
		hit = match_set(p, t, length, c, used, &is_set);
		if (is_set)
			return hit;
		*used = 1;
	}
	if (*t == '\\' && length > 1) {
		*used = 2;
		t++;
	}
	return fold(p, (uint8_t)*t) == fold(p, c);
}

/* Only the last star needs to be tried again: linear space, at most length times length steps. */
static bool match_name(const struct pattern *p, const struct component *c,
		       const char *name, size_t length)
{
	size_t t = 0, n = 0, star = SIZE_MAX, mark = 0, used;

	while (n < length) {
		if (t < c->length && c->text[t] == '*') {
			star = ++t;
			mark = n;
		} else if (t < c->length && match_one(p, c->text + t, c->length - t,
						      (uint8_t)name[n], &used)) {
			t += used;
			n++;
		} else if (star != SIZE_MAX) {
			t = star;
			n = ++mark;
		} else {
			return false;
		}
	}
	while (t < c->length && c->text[t] == '*')
		t++;
	return t == c->length;
}

/* A "**" may also stand for no directory at all. */
static uint64_t close_state(const struct pattern *p, uint64_t state)
{
	for (size_t i = 0; i + 1 < p->count; i++)
		if (state >> i & 1 && p->components[i].is_any_depth &&
		    !p->components[i].is_last)
			state |= UINT64_C(2) << i;
	return state;
}

uint64_t pattern_start(const struct pattern *p)
{
	return close_state(p, p->start);
}

uint64_t pattern_step(const struct pattern *p, uint64_t state, const char *name,
		      size_t length, bool *is_match)
{
	uint64_t next = 0;

	*is_match = false;
	for (size_t i = 0; i < p->count; i++) {
		const struct component *c = &p->components[i];

		if (!(state >> i & 1))
			continue;
		if (c->is_any_depth) {
			next |= UINT64_C(1) << i;
			*is_match |= c->is_last;
		} else if (match_name(p, c, name, length)) {
			if (c->is_last)
				*is_match = true;
			else
				next |= UINT64_C(2) << i;
		}
	}
	return close_state(p, next);
}

bool pattern_is_deep(const struct pattern *p)
{
	return p->is_deep;
}

static int add_component(struct pattern *p, const char *text, size_t length,
			 struct weir_error *err)
{
	bool is_any = length == 2 && !memcmp(text, "**", 2);

	if (!length)
		return 0;
	if (p->count == PATTERN_COMPONENTS)
		return err_set(
			err, WEIR_ERR_LIMIT,
			"the pattern has more than %d components, all alternatives "
			"together",
			PATTERN_COMPONENTS);
	p->components[p->count++] = (struct component){ .text = text,
							.length = length,
							.is_any_depth = is_any };
	return 0;
}

/* One alternative without braces; takes the text. */
static int add_alternative(struct pattern *p, char *text, struct weir_error *err)
{
	size_t first = p->count, length;
	int rc = 0;

	if (p->text_count == PATTERN_COMPONENTS) {
		mem_free(text);
		return err_set(err, WEIR_ERR_LIMIT,
			       "the pattern has more than %d alternatives",
			       PATTERN_COMPONENTS);
	}
	p->texts[p->text_count++] = text;
	if (!*text)
		return err_set(err, WEIR_ERR_USAGE,
			       "the pattern, or one of its alternatives, is empty");
	if (*text == '/')
		return err_set(
			err, WEIR_ERR_USAGE,
			"pattern '%.60s' begins with '/': it counts from the listed path",
			text);
	p->is_deep |= strchr(text, '/') != NULL || !strcmp(text, "**");
	if (!strchr(text, '/'))
		rc = add_component(p, "**", 2, err);
	for (const char *s = text; !rc; s += length + 1) {
		length = strcspn(s, "/");
		rc = add_component(p, s, length, err);
		if (!s[length])
			break;
	}
	if (rc)
		return rc;
	if (p->count == first)
		return err_set(err, WEIR_ERR_USAGE, "the pattern is empty");
	p->components[p->count - 1].is_last = true;
	p->start |= UINT64_C(1) << first;
	return 0;
}

/* The first brace group outside escapes and its end; false where there is none. */
static bool find_braces(const char *text, size_t *open, size_t *end)
{
	unsigned depth = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '\\' && text[i + 1]) {
			i++;
		} else if (text[i] == '{') {
			if (!depth++)
				*open = i;
		} else if (text[i] == '}' && depth && !--depth) {
			*end = i;
			return true;
		}
	}
	return false;
}

static char *join(const char *a, size_t na, const char *b, size_t nb, const char *c)
{
	size_t size = na + nb + strlen(c) + 1;
	char *text = mem_new(size, 1);

	if (text)
		(void)snprintf(text, size, "%.*s%.*s%s", (int)na, a, (int)nb, b, c);
	return text;
}

/* Where the next comma of this group, or its end, is. */
static size_t choice_end(const char *text, size_t from, size_t end)
{
	unsigned depth = 0;
	size_t i = from;

	for (; i < end; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '{')
			depth++;
		else if (text[i] == '}')
			depth--;
		else if (text[i] == ',' && !depth)
			break;
	}
	return i < end ? i : end;
}

/* Replaces the first group by each of its choices until none is left.  Depth is bounded by the
 * number of groups, which their alternatives' bound keeps small. */
static int expand(struct pattern *p, char *text, unsigned depth, struct weir_error *err)
{
	size_t open = 0, end = 0, from, stop;
	int rc = 0;

	if (!find_braces(text, &open, &end))
		return add_alternative(p, text, err);
	if (depth > PATTERN_COMPONENTS) {
		mem_free(text);
		return err_set(err, WEIR_ERR_LIMIT, "the pattern has more than %d braces",
			       PATTERN_COMPONENTS);
	}
	for (from = open + 1; !rc; from = stop + 1) {
		char *one;

		stop = choice_end(text, from, end);
		one = join(text, open, text + from, stop - from, text + end + 1);
		rc = one ? expand(p, one, depth + 1, err)
			 : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the pattern");
		if (stop >= end)
			break;
	}
	mem_free(text);
	return rc;
}

int pattern_parse(struct pattern **out, const char *text, bool is_case_blind,
		  struct weir_error *err)
{
	struct pattern *p;
	char *copy;
	int rc;

	*out = NULL;
	if (strlen(text) > PATTERN_BYTES)
		return err_set(err, WEIR_ERR_LIMIT, "the pattern is longer than %d bytes",
			       PATTERN_BYTES);
	if (!*text)
		return err_set(err, WEIR_ERR_USAGE, "the pattern is empty");
	p = mem_new(1, sizeof *p);
	copy = mem_strdup(text);
	if (!p || !copy) {
		mem_free(p);
		mem_free(copy);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the pattern");
	}
	p->is_case_blind = is_case_blind;
	rc = expand(p, copy, 0, err);
	if (rc) {
		pattern_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->text_count; i++)
		mem_free(p->texts[i]);
	mem_free(p);
}
