/* Tokens to tree, by recursive descent.
 *
 * Two tellings of an error are kept apart.  A person gets the first thing that was wrong.  The
 * fields windivert_text and windivert_at get what WinDivert's parser would report, which often is
 * another place: an error inside a parenthesis is told anew by the parenthesis. */
#include "filter/tree.h"

#include "base/compiler.h"
#include "base/time.h"
#include <assert.h>

static const char parse_error[] = "Filter expression parse error";
static const char out_of_bounds[] = "Filter expression array index is out-of-bounds";
static const char too_deep[] = "Filter expression too deep";

#define INDEX_NUMBER_MAX 65575
#define INDEX_MAX        65535

struct parser {
	const char *text;
	const struct token *token; /* the present one */
	struct pool *pool;
	struct filter_error *error;
	unsigned flags;
};

static bool is_windivert(const struct parser *p)
{
	return p->flags & FILTER_WINDIVERT;
}

/* The first error is the one a person hears of; WinDivert's is the last that was told. */
static int fail_with(struct parser *p, const char *found, const char *expected,
		     const char *windivert_text)
{
	struct filter_error *e = p->error;
	const struct token *t = p->token;

	if (!e->code) {
		e->code = WEIR_ERR_USAGE;
		e->at = t->at;
		e->length = t->length;
		(void)snprintf(e->found, sizeof e->found, "%s", found);
		(void)snprintf(e->expected, sizeof e->expected, "%s", expected);
	}
	e->windivert_text = windivert_text;
	e->windivert_at = t->windivert_at;
	return e->code;
}

static int fail(struct parser *p, const char *expected)
{
	char name[80], found[100];

	token_describe(p->token, p->text, name, sizeof name);
	(void)snprintf(found, sizeof found, "unexpected %s", name);
	return fail_with(p, found, expected, parse_error);
}

static int fail_hint(struct parser *p, const char *expected, const char *hint)
{
	if (!p->error->code)
		(void)snprintf(p->error->hint, sizeof p->error->hint, "%s", hint);
	return fail(p, expected);
}

static int fail_memory(struct parser *p)
{
	p->error->code = WEIR_ERR_NO_MEMORY;
	p->error->windivert_text = "Out of memory";
	(void)snprintf(p->error->found, sizeof p->error->found, "no memory");
	return p->error->code;
}

static bool take(struct parser *p, enum token_kind kind)
{
	if (p->token->kind != kind)
		return false;
	p->token++;
	return true;
}

static struct node *new_node(struct parser *p, enum node_kind kind, uint32_t at)
{
	struct node *n = pool_new(p->pool, 1, sizeof *n);

	if (!n) {
		(void)fail_memory(p);
		return NULL;
	}
	n->kind = kind;
	n->at = at;
	return n;
}

/* The node ends where the last taken token does. */
static void end_node(const struct parser *p, struct node *n)
{
	const struct token *last = p->token - 1;

	n->length = last->at + last->length - n->at;
}

enum op op_inverse(enum op op)
{
	static const enum op inverse[] = { OP_NE, OP_EQ, OP_GE,     OP_GT,
					   OP_LE, OP_LT, OP_NOT_IN, OP_IN };

	return inverse[op];
}

const char *op_text(enum op op)
{
	static const char *const texts[] = { "=", "!=", "<",  "<=",
					     ">", ">=", "in", "not in" };

	return texts[op];
}

/* [ -NUMBER b ] behind an array field. */
static int parse_index(struct parser *p, struct node *n)
{
	unsigned size = n->field->size, bytes;
	bool is_negative, has_bytes;
	u128 number;

	if (!take(p, TOKEN_INDEX_OPEN))
		return fail_hint(p, "'['",
				 "an array field needs an index, as in "
				 "'packet[0]'");
	is_negative = take(p, TOKEN_MINUS);
	if (p->token->kind != TOKEN_NUMBER)
		return fail(p, "the index, a number");
	number = p->token->value;
	if (number > INDEX_NUMBER_MAX)
		return fail_with(p, "the index is above 65575",
				 "an index within the packet", out_of_bounds);
	p->token++;
	has_bytes = take(p, TOKEN_BYTES);
	bytes = (unsigned)number * (has_bytes ? 1 : size);
	if (is_negative ? bytes < size || bytes > INDEX_MAX : bytes > INDEX_MAX - size)
		return fail_with(p,
				 is_negative ? "the index before it does not lie within "
					       "the last 65535 bytes"
					     : "the index before it reaches beyond byte "
					       "65534",
				 "an index within the packet", out_of_bounds);
	n->index = is_negative ? -(int32_t)bytes : (int32_t)bytes;
	return take(p, TOKEN_INDEX_CLOSE) ? 0 : fail(p, "']'");
}

/* One value of a set or comparison: a number or a string. */
static int parse_time(struct parser *p, struct literal *value)
{
	struct weir_error err;
	int64_t ns;

	if (time_parse(p->token->string, &ns, &err))
		return fail_with(p, err.text, "a time such as \"2026-11-22T10:00:00Z\"",
				 parse_error);
	value->is_negative = ns < 0;
	value->value = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
	p->token++;
	return 0;
}

static int parse_number(struct parser *p, const struct node *n, struct literal *value)
{
	if (n->field->format == FORMAT_TIME && p->token->kind == TOKEN_STRING)
		return parse_time(p, value);
	value->is_negative = take(p, TOKEN_MINUS);
	if (p->token->kind == TOKEN_FIELD)
		return fail_hint(p, "a number or an address",
				 "two fields cannot be compared with each other");
	if (p->token->kind == TOKEN_STRING)
		return fail_hint(p, "a number or an address",
				 "this field has numbers, write them without quotes");
	if (p->token->kind == TOKEN_MACRO)
		return fail_hint(p, "a number or an address",
				 "this layer has no event of that name");
	if (p->token->kind != TOKEN_NUMBER)
		return fail(p, "a number or an address");
	value->value = p->token->value;
	p->token++;
	return 0;
}

/* The "/8" of 10.0.0.0/8. */
static int parse_prefix(struct parser *p, struct item *i, const struct token *address)
{
	unsigned bits, most = address->form == LITERAL_IPV4 ? 32 : 128;
	u128 mask;

	if (address->form != LITERAL_IPV4 && address->form != LITERAL_IPV6)
		return fail_hint(p, "no '/'", "only an address has a prefix length");
	p->token++;
	if (p->token->kind != TOKEN_NUMBER || p->token->form != LITERAL_NUMBER ||
	    p->token->value > most)
		return fail(p, most == 32 ? "a prefix length, 0 to 32"
					  : "a prefix length, 0 to 128");
	bits = (unsigned)p->token->value;
	mask = bits == most ? 0 : wide_of_bits(most - bits);
	if (i->low.value & mask)
		return fail_with(p, "the address has bits set behind its prefix",
				 "the network's own address in front of '/'",
				 parse_error);
	i->form = ITEM_PREFIX;
	i->prefix = (uint8_t)bits;
	i->is_ipv4 = most == 32;
	i->high.value = i->low.value | mask;
	p->token++;
	return 0;
}

static int parse_text_item(struct parser *p, struct item *i)
{
	if (p->token->kind != TOKEN_STRING)
		return fail(p, "a string in double quotes");
	i->form = ITEM_TEXT;
	i->text = p->token->string;
	p->token++;
	return 0;
}

static bool is_before(struct literal a, struct literal b)
{
	if (a.is_negative != b.is_negative)
		return a.is_negative;
	return a.is_negative ? a.value > b.value : a.value < b.value;
}

static int parse_item(struct parser *p, const struct node *n, struct item *i)
{
	const struct token *first = p->token;
	int rc;

	if (field_is_text(n->field))
		return parse_text_item(p, i);
	rc = parse_number(p, n, &i->low);
	if (rc)
		return rc;
	i->high = i->low;
	if (p->token->kind == TOKEN_SLASH)
		return parse_prefix(p, i, first);
	if (!take(p, TOKEN_RANGE))
		return 0;
	i->form = ITEM_RANGE;
	first = p->token;
	rc = parse_number(p, n, &i->high);
	if (!rc && is_before(i->high, i->low)) {
		p->token = first;
		return fail_with(p, "the range ends before it begins", "low..high",
				 parse_error);
	}
	return rc;
}

static int parse_set(struct parser *p, struct node *n)
{
	struct item **last = &n->items;

	assert(n);
	n->has_braces = true;
	if (!take(p, TOKEN_SET_OPEN))
		return fail(p, "'{'");
	do {
		struct item *i = pool_new(p->pool, 1, sizeof *i);
		int rc = i ? parse_item(p, n, i) : fail_memory(p);

		if (rc)
			return rc;
		assert(i); /* else rc was not 0 */
		*last = i;
		last = &i->next;
	} while (take(p, TOKEN_COMMA));
	return take(p, TOKEN_SET_CLOSE) ? 0 : fail(p, "',' or '}'");
}

/* == or != and something that is more than one number: a string, or address/prefix. */
static int parse_single(struct parser *p, struct node *n)
{
	struct item *i = pool_new(p->pool, 1, sizeof *i);
	int rc;

	if (!i)
		return fail_memory(p);
	if (n->op != OP_EQ && n->op != OP_NE)
		return fail_hint(p, "a single number or address",
				 "only == and != go with strings and prefixes");
	rc = parse_item(p, n, i);
	n->items = i;
	n->op = n->op == OP_EQ ? OP_IN : OP_NOT_IN;
	return rc;
}

static int parse_constant(struct parser *p, struct node *n)
{
	const struct token *first = p->token;
	bool has_prefix = first->kind == TOKEN_NUMBER && first[1].kind == TOKEN_SLASH;
	int rc;

	if (field_is_text(n->field) || has_prefix)
		return parse_single(p, n);
	if (first->kind == TOKEN_SET_OPEN)
		return fail_hint(p, "a number or an address",
				 "a set goes with 'in': 'field in {1, 2}'");
	n->literal_at = first->at;
	n->is_text_time = first->kind == TOKEN_STRING;
	rc = parse_number(p, n, &n->literal);
	if (rc)
		return rc;
	n->form = (p->token - 1)->form;
	n->literal_length = (p->token - 1)->at + (p->token - 1)->length - n->literal_at;
	return 0;
}

static int parse_relation(struct parser *p, struct node *n)
{
	bool is_not_in = p->token->kind == TOKEN_NOT && p->token[1].kind == TOKEN_IN &&
			 !is_windivert(p);

	p->token += is_not_in;
	if (take(p, TOKEN_IN)) {
		n->op = is_not_in ? OP_NOT_IN : OP_IN;
		return parse_set(p, n);
	}
	if (p->token->kind >= TOKEN_EQ && p->token->kind <= TOKEN_GE) {
		n->op = (enum op)(p->token->kind - TOKEN_EQ);
		p->token++;
		return parse_constant(p, n);
	}
	n->op = OP_NE;
	n->is_implied = true;
	return field_is_text(n->field) ? fail(p, "'==', '!=' or 'in'") : 0;
}

static int parse_test(struct parser *p, struct node **out, uint32_t at, bool is_inverted)
{
	struct node *n;
	int rc = 0;

	if (p->token->kind != TOKEN_FIELD)
		return fail_hint(p, "a field, 'not' or '('",
				 p->token->kind == TOKEN_NUMBER
					 ? "a test begins with its field"
					 : "");
	n = new_node(p, NODE_TEST, at);
	if (!n)
		return WEIR_ERR_NO_MEMORY;
	*out = n;
	n->field = p->token->field;
	p->token++;
	if (field_is_array(n->field))
		rc = parse_index(p, n);
	if (!rc)
		rc = parse_relation(p, n);
	if (rc)
		return rc;
	n->is_inverted = is_inverted;
	if (is_inverted)
		n->op = op_inverse(n->op);
	end_node(p, n);
	return 0;
}

static int parse_or(struct parser *p, struct node **out, unsigned depth);

/* The second and third part of a ternary, behind its '?'. */
static int parse_branches(struct parser *p, struct node *n, unsigned depth)
{
	struct node **second = &n->first->next;
	int rc = parse_or(p, second, depth);

	if (rc)
		return rc;
	if (!take(p, TOKEN_COLON))
		return fail(p, "'and', 'or' or the ':' of a ternary");
	rc = parse_or(p, &(*second)->next, depth);
	if (rc)
		return rc;
	return take(p, TOKEN_CLOSE) ? 0 : fail(p, "'and', 'or' or ')'");
}

/* WinDivert's parenthesis does not pass on what went wrong inside it, but, unless it finds its own
 * ')', says "parse error" where the parser stands now.  At a '?' it even goes on as if nothing
 * had happened, and crashes later if the rest is right. */
static int fail_inside(struct parser *p, unsigned depth)
{
	const struct token *stands = p->token;
	struct node ignored = { 0 }, condition = { 0 };

	if (p->error->code == WEIR_ERR_NO_MEMORY || take(p, TOKEN_CLOSE))
		return p->error->code;
	if (take(p, TOKEN_QUESTION)) {
		ignored.first = &condition;
		if (parse_branches(p, &ignored, depth))
			return p->error->code;
		p->token = stands;
	}
	return fail(p, "");
}

static int parse_parenthesis(struct parser *p, struct node **out, unsigned depth)
{
	uint32_t at = (p->token - 1)->at;
	struct node *inner = NULL, *n;
	int rc = parse_or(p, &inner, depth + 3);

	if (rc)
		return fail_inside(p, depth + 3);
	*out = inner;
	if (take(p, TOKEN_CLOSE))
		return 0;
	if (!take(p, TOKEN_QUESTION))
		return fail(p, "'and', 'or', '?' or ')'");
	n = new_node(p, NODE_IF, at);
	if (!n)
		return WEIR_ERR_NO_MEMORY;
	n->first = inner;
	*out = n;
	rc = parse_branches(p, n, depth + 3);
	if (!rc)
		end_node(p, n);
	return rc;
}

/* `not` in front of a parenthesis: the complement of what is in it. */
static int parse_complement(struct parser *p, struct node **out, uint32_t at,
			    bool is_inverted, unsigned depth)
{
	struct node *n;
	int rc;

	if (!is_inverted) /* an even number of `not` */
		return parse_parenthesis(p, out, depth);
	n = new_node(p, NODE_NOT, at);
	if (!n)
		return WEIR_ERR_NO_MEMORY;
	*out = n;
	rc = parse_parenthesis(p, &n->first, depth);
	if (!rc)
		end_node(p, n);
	return rc;
}

static int parse_primary(struct parser *p, struct node **out, unsigned depth)
{
	uint32_t at = p->token->at;
	bool has_not = false, is_inverted = false;

	if (depth > TREE_DEPTH)
		return fail_with(p, "the filter is nested too deeply",
				 "at most 340 parentheses in each other", too_deep);
	if (take(p, TOKEN_OPEN))
		return parse_parenthesis(p, out, depth);
	while (take(p, TOKEN_NOT)) {
		has_not = true;
		is_inverted = !is_inverted;
	}
	if (has_not && !is_windivert(p) && take(p, TOKEN_OPEN))
		return parse_complement(p, out, at, is_inverted, depth);
	return parse_test(p, out, at, is_inverted);
}

/* Children of `and` and `or` are a list; a single one stands for itself. */
static int parse_and(struct parser *p, struct node **out, unsigned depth)
{
	struct node *first = NULL, *n, **last = &first;
	int rc;

	do {
		rc = parse_primary(p, last, depth);
		if (rc)
			return rc;
		assert(*last); /* a parser that succeeds has made its node */
		last = &(*last)->next;
	} while (take(p, TOKEN_AND));
	assert(first);
	*out = first;
	if (!first->next)
		return 0;
	n = new_node(p, NODE_AND, first->at);
	if (!n)
		return WEIR_ERR_NO_MEMORY;
	n->first = first;
	end_node(p, n);
	*out = n;
	return 0;
}

static int parse_or(struct parser *p, struct node **out, unsigned depth)
{
	struct node *first = NULL, *n, **last = &first;
	int rc;

	do {
		rc = parse_and(p, last, depth);
		if (rc)
			return rc;
		last = &(*last)->next;
		/* To WinDivert each `or` is a level of its own; to us it is not. */
		depth += is_windivert(p);
	} while (take(p, TOKEN_OR));
	*out = first;
	if (!first->next)
		return 0;
	n = new_node(p, NODE_OR, first->at);
	if (!n)
		return WEIR_ERR_NO_MEMORY;
	n->first = first;
	end_node(p, n);
	*out = n;
	return 0;
}

int parse(struct node **root, struct pool *pool, const struct lexed *lexed,
	  const char *text, unsigned flags, struct filter_error *error)
{
	struct parser p = { .text = text,
			    .token = lexed->tokens,
			    .pool = pool,
			    .error = error,
			    .flags = flags };
	int rc;

	*root = NULL;
	rc = parse_or(&p, root, 0);
	if (rc)
		return rc;
	return p.token->kind == TOKEN_END
		       ? 0
		       : fail(&p, "'and', 'or' or the end of the filter");
}
