/* The decision graph in words. */
#include "base/mem.h"
#include "filter/filter.h"
#include "filter/format.h"

#define RANGES_SHOWN 12

static void add_range(struct words *w, const struct filter *f, const struct test *t,
		      const struct range *r)
{
	if (field_is_text(t->field)) {
		for (u128 k = r->low; k <= r->high && k < f->strings.count; k++) {
			words_add(w, k > r->low ? ", " : "");
			format_string(w, f->strings.items[(size_t)k]);
		}
		if (r->high >= f->strings.count)
			words_add(w, r->low < f->strings.count ? ", any other"
							       : "any other");
		return;
	}
	format_value(w, t->field, literal_of_key(t->field, r->low), f->layer);
	if (r->high == r->low)
		return;
	words_add(w, "..");
	format_value(w, t->field, literal_of_key(t->field, r->high), f->layer);
}

static void add_question(struct words *w, const struct filter *f, const struct test *t)
{
	const struct set *s = &t->set;

	if (t->field->bits == 1 && !t->field->is_signed && s->count == 1) {
		words_add(w, set_has(s, 1) ? "" : "not ");
		format_field(w, t->field, t->index);
		words_add(w, "?");
		return;
	}
	format_field(w, t->field, t->index);
	words_add(w, " in {");
	for (size_t i = 0; i < s->count && i < RANGES_SHOWN; i++) {
		words_add(w, i ? ", " : "");
		add_range(w, f, t, &s->ranges[i]);
	}
	if (s->count > RANGES_SHOWN)
		words_add(w, ", and %zu more", s->count - RANGES_SHOWN);
	words_add(w, "}?");
}

static void add_target(struct words *w, const char *outcome, int32_t target)
{
	words_add(w, "%s: ", outcome);
	if (target >= 0)
		words_add(w, "go to %ld", (long)target + 1);
	else
		words_add(w, target == TARGET_ACCEPT   ? "MATCH"
			     : target == TARGET_REJECT ? "no match"
						       : "cannot be judged");
}

static const char *absent_word(const struct field *f)
{
	if (f->needs != HEADER_NONE)
		return field_of_header((enum header)f->needs)->name;
	return field_is_array(f) ? "such byte" : "value";
}

static const char *place_of(const struct filter *f, const struct field *field)
{
	if (f->layer > FILTER_FORWARD)
		return "user";
	if (field_is_text(field) && !field->is_user_only)
		return "kernel, as an interface index";
	return field->is_user_only ? "user" : "kernel";
}

static void add_vertex(struct words *w, const struct filter *f, size_t i)
{
	const struct vertex *v = &f->graph.vertices[i];
	char outcome[32];

	words_add(w, "%3zu  ", i + 1);
	add_question(w, f, &v->test);
	words_add(w, "   [%s]\n       ", place_of(f, v->test.field));
	add_target(w, "yes", v->next[OUTCOME_IN]);
	words_add(w, ", ");
	add_target(w, "no", v->next[OUTCOME_OUT]);
	if (field_can_be_absent(v->test.field) &&
	    v->next[OUTCOME_ABSENT] != v->next[OUTCOME_OUT]) {
		(void)snprintf(outcome, sizeof outcome, "no %s",
			       absent_word(v->test.field));
		words_add(w, ", ");
		add_target(w, outcome, v->next[OUTCOME_ABSENT]);
	}
	words_add(w, "\n");
}

bool filter_is_for_kernel(const struct filter *f)
{
	if (f->layer > FILTER_FORWARD)
		return false;
	for (size_t i = 0; i < f->graph.count; i++)
		if (f->graph.vertices[i].test.field->is_user_only)
			return false;
	return true;
}

unsigned field_asks_of_process(const struct field *f)
{
	if (f->read_text == view_process_name)
		return FILTER_ASKS_NAME;
	if (f->read_text && f->read_text != view_iface)
		return FILTER_ASKS_FACTS;
	return f->is_known == view_has_process_id ? FILTER_ASKS_ID : 0;
}

unsigned filter_asks_of_process(const struct filter *f)
{
	unsigned asks = 0;

	for (size_t i = 0; i < f->graph.count; i++)
		asks |= field_asks_of_process(f->graph.vertices[i].test.field);
	return asks;
}

bool filter_asks_process(const struct filter *f)
{
	return filter_asks_of_process(f) != 0;
}

static const char *summary(const struct filter *f)
{
	if (filter_is_true(f))
		return "everything matches; nothing is tested";
	if (filter_is_false(f))
		return "nothing matches";
	if (f->layer > FILTER_FORWARD)
		return "decided by weir itself: this layer has no packets";
	if (filter_is_for_kernel(f))
		return "decided in the kernel alone, where it can load programs";
	return "the kernel lets through what may match; weir itself decides";
}

/* What of it would be WinDivert's on Windows. */
static void add_windivert(struct words *w, const struct filter *f)
{
	char *text = mem_new(1, FILTER_WINDIVERT_TEXT);
	bool is_exact = false;
	int rc = WEIR_ERR_NO_MEMORY;

	if (text)
		rc = filter_windivert(f, text, FILTER_WINDIVERT_TEXT, &is_exact, NULL);
	if (!rc)
		words_add(w, "windivert  %s: %s\n",
			  is_exact ? "exact" : "user space decides the rest", text);
	else
		w->is_bad = true;
	mem_free(text);
}

char *filter_explain(const struct filter *f)
{
	struct words w;

	words_init(&w);
	words_add(&w, "filter     %s\nsha256     %s\nlayer      %s\nruns       %s\n",
		  f->normal, f->hash, filter_layer_name(f->layer), summary(f));
	add_windivert(&w, f);
	if (f->graph.count)
		words_add(&w, "\n");
	for (size_t i = 0; i < f->graph.count; i++)
		add_vertex(&w, f, i);
	return words_take(&w);
}

void filter_words_free(char *words)
{
	mem_free(words);
}
