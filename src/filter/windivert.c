/* A filter as text for WinDivertOpen: the whole of it, or what WinDivert can do of it. */
#include "filter/windivert.h"

#include "filter/filter.h"

#include "base/mem.h"

#include <assert.h>

/* The driver's bound; its compiler takes one more. */
#define DRIVER_TESTS 255

/* How many tests are tried, one after the other: as many as it needs, then fewer, because tests
 * differ in how many tokens they take (WinDivert reads 1277). */
static const size_t rooms[] = { SIZE_MAX, 250, 120, 60 };

/* What WinDivert has not at this layer. */
static bool is_unknown(const struct field *f, const void *context)
{
	const struct filter *filter = context;

	return !(f->layers >> filter->layer & 1);
}

static enum said say(struct saying *s, const struct expression *e, bool is_alone);

static void cut(struct saying *s, size_t length, size_t tests)
{
	words_cut(&s->words, length);
	s->tests = tests;
}

/* One of `left` parts that share the room that is left. */
static enum said say_part(struct saying *s, const struct expression *e, size_t left,
			  bool is_alone)
{
	size_t room = s->room;
	enum said said;

	if (room != SIZE_MAX && room > s->tests)
		s->room = s->tests + (room - s->tests) / left;
	said = say(s, e, is_alone);
	s->room = room;
	return said;
}

/* `count` children from `e` on, joined by `and` or `or`. */
static enum said say_list(struct saying *s, const struct expression *e, size_t count,
			  bool is_and, bool is_alone)
{
	size_t begin = s->words.length, tests = s->tests, said_count = 0;
	enum said neutral = is_and ? SAID_TRUE : SAID_FALSE;

	words_add(&s->words, is_alone ? "" : "(");
	for (; count; e = e->next, count--) {
		size_t mark = s->words.length;
		enum said said;

		words_add(&s->words, !said_count ? "" : is_and ? " and " : " or ");
		said = say_part(s, e, count, false);
		if (said == SAID_NO_MEMORY)
			return said;
		if (said == SAID_TEXT) {
			said_count++;
		} else if (said == neutral) {
			words_cut(&s->words, mark);
		} else {
			cut(s, begin, tests);
			return said;
		}
	}
	if (!said_count) {
		cut(s, begin, tests);
		return neutral;
	}
	words_add(&s->words, is_alone ? "" : ")");
	return SAID_TEXT;
}

static void say_constant(struct saying *s, enum said said)
{
	if (said != SAID_TEXT)
		words_add(&s->words, said == SAID_TRUE ? "true" : "false");
}

/* A condition that was widened decides nothing: either part may be asked for. */
static enum said say_if(struct saying *s, const struct expression *e, bool is_alone)
{
	const struct expression *first = e->first, *second = first ? first->next : NULL;
	size_t begin = s->words.length, tests = s->tests;
	bool was_wider = s->is_wider;
	enum said said;

	assert(second && second->next); /* a condition has three parts */
	s->is_wider = false;
	words_add(&s->words, "(");
	said = say_part(s, first, 3, true);
	if (said == SAID_NO_MEMORY)
		return said;
	if (s->is_wider || said != SAID_TEXT) {
		cut(s, begin, tests);
		if (s->is_wider)
			return say_list(s, second, 2, false, is_alone);
		s->is_wider = was_wider;
		return say(s, said == SAID_TRUE ? second : second->next, is_alone);
	}
	s->is_wider = was_wider;
	words_add(&s->words, "? ");
	said = say_part(s, second, 2, true);
	say_constant(s, said);
	if (said == SAID_NO_MEMORY)
		return said;
	words_add(&s->words, " : ");
	said = say_part(s, second->next, 1, true);
	say_constant(s, said);
	words_add(&s->words, ")");
	return said == SAID_NO_MEMORY ? said : SAID_TEXT;
}

static enum said say(struct saying *s, const struct expression *e, bool is_alone)
{
	size_t count = 0;

	for (const struct expression *c = e->first; c; c = c->next)
		count++;
	switch (e->kind) {
	case EXPR_TRUE:
		return SAID_TRUE;
	case EXPR_FALSE:
		return SAID_FALSE;
	case EXPR_TEST:
		return windivert_say_test(s, &e->test, is_alone);
	case EXPR_IF:
		return say_if(s, e, is_alone);
	case EXPR_AND:
	case EXPR_OR:
	default:
		return say_list(s, e->first, count, e->kind == EXPR_AND, is_alone);
	}
}

/* 1: WinDivert and its driver take it; 0: they do not. */
static int is_taken(const struct saying *s, enum filter_layer layer)
{
	struct filter *again;
	int rc;

	if (s->tests > DRIVER_TESTS)
		return 0;
	rc = filter_compile(&again, s->words.text, layer, FILTER_WINDIVERT, NULL);
	if (rc)
		return rc == WEIR_ERR_NO_MEMORY ? rc : 0;
	rc = again->windivert_tests <= DRIVER_TESTS;
	filter_free(again);
	return rc;
}

/* 1 and the text in s->words, 0 where that room is too small (or too large), or no memory. */
static int try_room(struct saying *s, const struct expression *e, enum filter_layer layer,
		    size_t room)
{
	enum said said;

	words_init(&s->words);
	s->tests = 0;
	s->room = room;
	s->is_wider = false;
	words_add(&s->words, "%s", "");
	said = say(s, e, true);
	if (said == SAID_NO_MEMORY)
		s->words.is_bad = true;
	say_constant(s, said);
	return s->words.is_bad ? WEIR_ERR_NO_MEMORY : is_taken(s, layer);
}

static int say_filter(const struct filter *f, struct saying *s, bool *is_exact)
{
	struct horizon horizon = { .is_unknown = is_unknown, .context = f };
	struct strings strings = { NULL, 0, 0 };
	struct expression whole = { .kind = EXPR_TRUE }, *e = &whole;
	int rc = 0;

	*is_exact = f->folded != NULL;
	if (f->folded)
		e = lower(f->folded, &strings, s->pool, &horizon);
	if (!e)
		return WEIR_ERR_NO_MEMORY;
	for (size_t i = 0; i < ARRAY_LEN(rooms) && !rc; i++) {
		if (i)
			words_fini(&s->words);
		rc = try_room(s, e, f->layer, rooms[i]);
	}
	if (!rc) {
		words_fini(&s->words);
		rc = try_room(s, &whole, f->layer, 1);
		*is_exact = false;
	}
	if (horizon.dropped || s->is_wider)
		*is_exact = *is_exact && e->kind == EXPR_FALSE;
	return rc < 0 ? rc : 0;
}

int filter_windivert(const struct filter *f, char *text, size_t size, bool *is_exact,
		     struct weir_error *err)
{
	struct saying s = { .layer = f->layer };
	struct pool pool;
	int rc;

	pool_init(&pool);
	s.pool = &pool;
	rc = say_filter(f, &s, is_exact);
	pool_fini(&pool);
	if (rc)
		(void)err_set(err, (enum weir_err)rc, "no memory for WinDivert's filter");
	else if (s.words.length >= size)
		rc = err_set(err, WEIR_ERR_LIMIT,
			     "WinDivert's filter has %zu bytes, more than the %zu there "
			     "are",
			     s.words.length, size);
	else
		memcpy(text, s.words.text, s.words.length + 1);
	words_fini(&s.words);
	return rc;
}
