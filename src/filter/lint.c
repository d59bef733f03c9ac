/* Remarks on filters that do not mean what they seem to say.  Each rule looks at one test and says
 * at most one thing. */
#include "filter/filter.h"
#include "filter/format.h"
#include "filter/notes.h"

#include "base/mem.h"

#define WINDIVERT_DRIVER_TESTS 255

struct lint {
	struct notes notes;
	enum filter_layer layer;
};

/* A piece of text for a message, cut to fit; empty when there is no memory. */
struct snippet {
	char text[72];
};

static struct snippet snippet_of(struct words *w)
{
	struct snippet s = { "" };
	char *text = words_take(w);

	if (text)
		(void)snprintf(s.text, sizeof s.text, "%s", text);
	mem_free(text);
	return s;
}

static struct snippet test_text(const struct lint *l, const struct node *n)
{
	struct words w;

	words_init(&w);
	format_test(&w, n, l->layer);
	return snippet_of(&w);
}

static struct snippet range_text(const struct lint *l, const struct field *f)
{
	u128 zero = f->is_signed ? f->bias : 0;
	struct literal low = { f->low >= zero ? f->low - zero : zero - f->low,
			       f->low < zero };
	struct words w;

	words_init(&w);
	format_value(&w, f, low, l->layer);
	words_add(&w, " to ");
	format_value(&w, f, (struct literal){ f->high - zero, false }, l->layer);
	return snippet_of(&w);
}

static const char *needs_name(const struct node *n)
{
	const struct field *f = field_of_header((enum header)n->field->needs);

	return f ? f->name : "";
}

static bool is_plain_constant(const struct node *n)
{
	return n->field == &field_table[FIELD_TRUE] ||
	       n->field == &field_table[FIELD_FALSE] ||
	       n->field == &field_table[FIELD_ZERO];
}

/* A constant out of range. */
static bool rule_folded(struct lint *l, const struct node *n)
{
	enum fold fold = fold_test(n);
	const char *needs = needs_name(n);
	struct snippet test = test_text(l, n), range = range_text(l, n->field);

	switch (fold) {
	case FOLD_PRESENT:
		notes_add(&l->notes, n,
			  "'%s' holds for every value (%s is %s): it means '%s'",
			  test.text, n->field->name, range.text, needs);
		return true;
	case FOLD_ABSENT:
		notes_add(&l->notes, n,
			  "'%s' holds for no value (%s is %s): as in WinDivert it means "
			  "'not %s' and matches everything without that header",
			  test.text, n->field->name, range.text, needs);
		return true;
	case FOLD_TRUE:
	case FOLD_FALSE:
		if (!is_plain_constant(n))
			notes_add(&l->notes, n, "'%s' is always %s: %s is %s", test.text,
				  fold == FOLD_TRUE ? "true" : "false", n->field->name,
				  range.text);
		return true;
	case FOLD_KEEP:
	default:
		return false;
	}
}

static bool rule_cut_constant(struct lint *l, const struct node *n)
{
	char text[LITERAL_TEXT];

	if (n->items || n->field->is_full || n->literal.value <= UINT32_MAX)
		return false;
	literal_format_decimal((uint32_t)n->literal.value, text);
	notes_add(
		&l->notes, n,
		"only the low 32 bits of the constant are compared with %s: it means %s",
		n->field->name, text);
	return true;
}

static bool rule_flow_label(struct lint *l, const struct node *n)
{
	if (strcmp(n->field->name, "ipv6.FlowLabel") != 0 ||
	    (!n->items && !n->literal.value))
		return false;
	notes_add(
		&l->notes, n,
		"as in WinDivert the bytes of ipv6.FlowLabel are scrambled: label 1 reads "
		"0x10000, and most labels cannot be matched");
	return true;
}

static bool rule_family(struct lint *l, const struct node *n)
{
	if ((l->layer != FILTER_FLOW && l->layer != FILTER_SOCKET) ||
	    n->field->source != SOURCE_HAS ||
	    (n->field->has != HEADER_IP && n->field->has != HEADER_IPV6))
		return false;
	notes_add(&l->notes, n,
		  "as in WinDivert %s is always 0 at this layer; compare localAddr or "
		  "remoteAddr: IPv4 is 0.0.0.0 to 255.255.255.255",
		  n->field->name);
	return true;
}

static bool rule_unspecified(struct lint *l, const struct node *n)
{
	if (l->layer != FILTER_SOCKET || n->items || n->field->format != FORMAT_IPV6 ||
	    n->literal.value != view_mapped(0) || n->op > OP_NE)
		return false;
	notes_add(
		&l->notes, n,
		"an unspecified address is '::' in bind and listen events, never '0.0.0.0'");
	return true;
}

static bool rule_minus_zero(struct lint *l, const struct node *n)
{
	if (n->items || !n->literal.is_negative || n->literal.value)
		return false;
	notes_add(&l->notes, n,
		  "-0 is below 0 in this language, and WinDivert's driver refuses it");
	return true;
}

static bool rule_negative_item(struct lint *l, const struct node *n)
{
	if (n->items || n->field->is_signed || !n->literal.is_negative)
		return false;
	notes_add(&l->notes, n, "%s is never negative: the test is always %s",
		  n->field->name, n->op == OP_NE || n->op >= OP_GT ? "true" : "false");
	return true;
}

/* WinDivertOpen fails with such filters though its compiler takes them. */
static bool rule_driver_range(struct lint *l, const struct node *n)
{
	u128 last = field_last(n->field);

	if (n->items || n->field->is_full || n->field->bits >= 32 ||
	    n->literal.value <= last)
		return false;
	notes_add(&l->notes, n,
		  "%s has %u bits: '%s' is decided already, and WinDivert's driver may "
		  "refuse it",
		  n->field->name, n->field->bits, test_text(l, n).text);
	return true;
}

static bool rule_event(struct lint *l, const struct node *n)
{
	if (n->field->format != FORMAT_EVENT || n->items ||
	    (n->literal.value <= UINT8_MAX &&
	     macro_of_event((unsigned)n->literal.value, l->layer)))
		return false;
	notes_add(
		&l->notes, n,
		"'%s': that is no event of the %s layer, and WinDivert's driver refuses it",
		test_text(l, n).text, filter_layer_name(l->layer));
	return true;
}

/* `not` and != are no complements where the header may be missing. */
static bool rule_complement(struct lint *l, const struct node *n)
{
	const char *needs = needs_name(n);
	bool is_not_equal = n->op == OP_NE || n->op == OP_NOT_IN;

	if (!field_can_be_absent(n->field) || (!n->is_inverted && !is_not_equal) ||
	    (n->is_implied && !n->is_inverted))
		return false;
	notes_add(&l->notes, n,
		  "'%s' is false too where there is no %s%s; the complement is "
		  "'not (...)', in WinDivert's own words '(...? false: true)'",
		  test_text(l, n).text, needs[0] ? needs : "such value",
		  needs[0] ? " header" : "");
	return true;
}

static void rule_items(struct lint *l, const struct node *n)
{
	const struct field *f = n->field;

	for (const struct item *i = n->items; i; i = i->next) {
		struct place low = literal_place(f, i->low, false);
		struct place high = literal_place(f, i->high, false);

		if (i->form == ITEM_TEXT)
			continue;
		if (low.is_above || low.key > field_last(f) ||
		    (!high.is_above && high.key < field_first(f)))
			notes_add(&l->notes, n,
				  "an element of the set lies outside %s's values and "
				  "never matches",
				  f->name);
	}
}

static void lint_test(struct lint *l, const struct node *n)
{
	static bool (*const rules[])(struct lint * l, const struct node *n) = {
		rule_minus_zero,   rule_folded,        rule_flow_label,
		rule_family,       rule_cut_constant,  rule_unspecified,
		rule_driver_range, rule_negative_item, rule_event,
		rule_complement,
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i](l, n))
			break;
	rule_items(l, n);
}

static void lint_node(struct lint *l, const struct node *n)
{
	if (n->kind == NODE_TEST) {
		lint_test(l, n);
		return;
	}
	for (const struct node *c = n->first; c; c = c->next)
		lint_node(l, c);
}

size_t filter_lint(const struct filter *f, struct filter_note *notes, size_t max)
{
	struct lint l = { .notes = { .list = notes, .max = max }, .layer = f->layer };

	if (f->tree)
		lint_node(&l, f->tree);
	if (f->windivert_tests > WINDIVERT_DRIVER_TESTS)
		notes_add(&l.notes, NULL,
			  "the filter has %zu tests; WinDivert takes at most %d",
			  f->windivert_tests, WINDIVERT_DRIVER_TESTS);
	if (filter_is_true(f) && f->tree && !fold_is_constant(f->tree, true))
		notes_add(&l.notes, f->tree, "the filter matches everything");
	if (filter_is_false(f) && f->tree && !fold_is_constant(f->tree, false))
		notes_add(&l.notes, f->tree, "the filter matches nothing");
	return l.notes.count;
}
