/* Filter objects: programs as WinDivert writes them in text, "@WinDiv_" and so on. */
#include "base/compiler.h"
#include "filter/filter.h"

static const char begin[] = "@WinDiv_";

#define TESTS_MAX 256
/* Farther from either end than any packet is long, Linux's longest too. */
#define INDEX_MAX (1 << 20)

struct object {
	const char *at;
	bool is_bad;
};

/* Base 32; the last digit is of another alphabet and so ends the number. */
static int digit_of(char c, bool *is_last)
{
	*is_last = false;
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'V')
		return c - 'A' + 10;
	*is_last = true;
	if (c >= 'W' && c <= 'Z')
		return c - 'W';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 4;
	return c == '+' ? 30 : c == '=' ? 31 : -1;
}

static uint32_t read_number(struct object *o, unsigned most_digits)
{
	uint32_t v = 0;
	bool is_last = false;

	for (unsigned i = 0; i < most_digits && !is_last && !o->is_bad; i++) {
		int d = digit_of(*o->at, &is_last);

		if (d < 0 || v >> 27) {
			o->is_bad = true;
			return 0;
		}
		o->at++;
		v = v << 5 | (uint32_t)d;
	}
	o->is_bad |= !is_last;
	return v;
}

static void expect(struct object *o, char c)
{
	if (o->is_bad || *o->at != c)
		o->is_bad = true;
	else
		o->at++;
}

static int32_t read_target(struct object *o, uint32_t own, uint32_t count)
{
	uint32_t label;

	if (o->is_bad)
		return TARGET_REJECT;
	switch (*o->at++) {
	case 'A':
		return TARGET_ACCEPT;
	case 'X':
		return TARGET_REJECT;
	case 'L':
		label = read_number(o, 2);
		if (label > own && label < count)
			return (int32_t)label;
		break;
	default:
		o->at--;
		break;
	}
	o->is_bad = true;
	return TARGET_REJECT;
}

/* WinDivert takes any index of 32 bits, and finds nothing there. */
static int32_t read_index(struct object *o)
{
	int32_t index = (int32_t)(read_number(o, 7) - 65535U);

	if (index > INDEX_MAX)
		return INDEX_MAX;
	return index < -INDEX_MAX ? -INDEX_MAX : index;
}

/* The words behind the first one, which differ by field. */
static void read_rest(struct object *o, const struct field *f, struct literal *c,
		      int32_t *index)
{
	if (field_is_array(f)) {
		*index = read_index(o);
	} else if (f->format == FORMAT_IPV6) {
		for (unsigned i = 1; i < 4; i++)
			c->value |= (u128)read_number(o, 7) << 32 * i;
	} else if (f->format == FORMAT_IPV4) {
		c->value |= f->bias;
	} else if (f->is_full) {
		c->value |= (u128)read_number(o, 7) << 32;
	}
}

static bool read_test(struct object *o, struct vertex *v, uint32_t own, uint32_t count,
		      enum filter_layer layer, struct pool *pool)
{
	struct literal c = { 0, false };
	uint32_t number, op;
	int32_t index = 0;
	const struct field *f;

	expect(o, '_');
	number = read_number(o, 2);
	op = read_number(o, 2);
	c.is_negative = read_number(o, 1);
	if (o->is_bad || number >= FIELD_WINDIVERT_COUNT || op > OP_GE) {
		o->is_bad = true;
		return true;
	}
	f = &field_table[number];
	c.value = read_number(o, 7);
	read_rest(o, f, &c, &index);
	if (!test_of_relation(&v->test, f, index, (enum op)op, c, pool))
		return false;
	v->next[OUTCOME_IN] = read_target(o, own, count);
	v->next[OUTCOME_OUT] = v->next[OUTCOME_ABSENT] = read_target(o, own, count);
	if (!(f->layers >> layer & 1))
		v->next[OUTCOME_IN] = v->next[OUTCOME_OUT] = v->next[OUTCOME_ABSENT] =
			TARGET_ERROR;
	return true;
}

static int fail(struct filter_error *e, enum weir_err code, const char *found)
{
	e->code = code;
	e->length = 1;
	e->windivert_text =
		code == WEIR_ERR_NO_MEMORY ? "Out of memory" : "Filter object is invalid";
	(void)snprintf(e->found, sizeof e->found, "%s", found);
	return code;
}

int object_read(struct graph *g, size_t *tests, const char *text, enum filter_layer layer,
		struct pool *pool, struct filter_error *error)
{
	struct object o = { .at = text };
	uint32_t count = 0;

	if (strncmp(text, begin, strlen(begin)) != 0)
		return fail(error, WEIR_ERR_USAGE,
			    "a filter object without its beginning");
	o.at += strlen(begin);
	if (read_number(&o, 4) || o.is_bad)
		return fail(error, WEIR_ERR_USAGE, "a filter object of unknown version");
	count = read_number(&o, 2);
	if (o.is_bad || !count || count > TESTS_MAX)
		return fail(error, WEIR_ERR_USAGE,
			    "a filter object with no or too many tests");
	*g = (struct graph){ .vertices = pool_new(pool, count, sizeof *g->vertices),
			     .count = count,
			     .layer = layer };
	if (!g->vertices)
		return fail(error, WEIR_ERR_NO_MEMORY, "no memory");
	for (uint32_t i = 0; i < count; i++)
		if (!read_test(&o, &g->vertices[i], i, count, layer, pool))
			return fail(error, WEIR_ERR_NO_MEMORY, "no memory");
	if (o.is_bad || *o.at)
		return fail(error, WEIR_ERR_USAGE, "a damaged filter object");
	*tests = count;
	return 0;
}
